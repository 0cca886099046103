import { describe, expect, it } from 'vitest';
import { problemsOf } from '../../../../cli/sync/problems.ts';
import { formatSync, type SyncReport, type SyncResult } from '../../../../cli/sync/report.ts';
import { emptyTransfer } from '../../../../core/copy/ports.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const failed = (image: string, code = 'MANIFEST_UNKNOWN'): SyncResult => ({
  image,
  outcome: 'failed',
  error: { code, message: `source ${image}: gone (${code})`, remedy: 'check the tag' },
});
const reportOf = (images: SyncResult[], more: Partial<SyncReport> = {}): SyncReport => {
  const count = (outcome: string) => images.filter((image) => image.outcome === outcome).length;
  return {
    to: 'r.example/mirror',
    images,
    copied: count('copied'),
    equal: count('equal'),
    failed: count('failed'),
    skipped: count('skipped'),
    transfer: emptyTransfer(),
    durationMs: 1_200,
    ...more,
  };
};

describe('the report of a run', () => {
  const images: SyncResult[] = [
    {
      image: 'a.example/x:1',
      outcome: 'copied',
      digest,
      sourceDigest: digest,
      transfer: { ...emptyTransfer(), copied: { blobs: 2, bytes: 12_300_000 } },
      referrers: { copied: 1, missing: [] },
      durationMs: 5,
    },
    { image: 'a.example/x:10', outcome: 'equal', digest, referrers: { copied: 0, missing: [] } },
    failed('a.example/y:1'),
    { image: 'a.example/y:2', outcome: 'skipped' },
  ];

  it('is a table and two lines', () => {
    const text = formatSync(reportOf(images, { notes: ['b.example lists no repository for *'] }), {
      width: Number.POSITIVE_INFINITY,
      colours: false,
    });
    expect(text.split('\n')).toEqual([
      'IMAGE           OUTCOME   COPIED  DIGEST OR REASON',
      `a.example/x:1   copied   12.3 MB  ${digest}  referrers: 1 copied`,
      `a.example/x:10  equal             ${digest}`,
      'a.example/y:1   failed            source a.example/y:1: gone (MANIFEST_UNKNOWN)',
      'a.example/y:2   skipped           not tried: images before it failed for a reason that would stop it, too',
      '',
      'note: b.example lists no repository for *',
      'r.example/mirror: 4 images, 1 copied, 1 equal, 1 failed, 1 skipped',
      'blobs: copied 0 (0 B), mounted 0 (0 B), present 0 (0 B) in 1.2 s',
      '',
    ]);
  });

  it('fits a narrow terminal', () => {
    const text = formatSync(reportOf(images), { width: 60, colours: false });
    expect(
      Math.max(
        ...text
          .split('\n')
          .slice(0, 5)
          .map(({ length }) => length),
      ),
    ).toBeLessThanOrEqual(60);
    expect(text).toContain('copied   12.3 MB  sha256:aaaaaaaa…');
  });

  it('reports what went wrong with remedies, and alike problems once', () => {
    expect(problemsOf(reportOf(images), false)).toEqual([
      '1 of 4 images failed:',
      '  a.example/y:1: check the tag',
      '  1 was not tried.',
    ]);
    const alike = Array.from({ length: 5 }, (_, i) => failed(`a.example/z:${i}`, 'DENIED'));
    const lines = problemsOf(reportOf(alike), true);
    expect(lines[0]).toBe('5 of 5 images failed:');
    expect(lines.filter((line) => line.includes('(DENIED)'))).toHaveLength(3);
    expect(lines.at(-1)).toBe('  2 more failed alike.');
    expect(problemsOf(reportOf([]), true)).toEqual([]);
  });
});
