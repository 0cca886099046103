import { describe, expect, it } from 'vitest';
import type { DryRunReport, PlannedBlob } from '../../../../cli/copy/dry-run.ts';
import type { SyncImage } from '../../../../cli/sync/find-images.ts';
import { planOf } from '../../../../cli/sync/results.ts';
import type { SyncTarget } from '../../../../cli/sync/target.ts';

const target = { registry: 'to.example', prefix: 'mirror' } as SyncTarget;
const imageOf = (repository: string) =>
  ({
    src: { registry: 'from.example', repository, tag: '1' },
    dst: { registry: 'to.example', repository: `mirror/from.example/${repository}`, tag: '1' },
    tag: '1',
  }) as SyncImage;
const planned = (blobs: PlannedBlob[]) =>
  ({ digest: 'sha256:x', blobs, totals: {} }) as unknown as DryRunReport;
const blob = (digest: string, state: PlannedBlob['state']): PlannedBlob => ({
  digest,
  sizeBytes: 10,
  mediaType: 'x',
  state,
});

describe('the plan of a run', () => {
  it('counts each blob once, as missing if any repository lacks it', () => {
    const images = [imageOf('a'), imageOf('b'), imageOf('c')];
    const [a, b] = images as [SyncImage, SyncImage, SyncImage];
    const outcomes = new Map([
      [a, { outcome: 'done' as const, result: planned([blob('base', 'missing'), blob('own', 'missing')]) }],
      [b, { outcome: 'done' as const, result: planned([blob('base', 'present'), blob('other', 'present')]) }],
    ]);
    const report = planOf({ images, failures: [], notes: [] }, { outcomes }, target, 5);
    expect(report).toMatchObject({ to: 'to.example/mirror', planned: 2, equal: 0, failed: 0 });
    expect(report.totals).toEqual({
      missing: { blobs: 2, bytes: 20 },
      mountable: { blobs: 0, bytes: 0 },
      present: { blobs: 1, bytes: 10 },
    });
    // What had no turn is not reported.
    expect(report.images.map(({ image }) => image)).toEqual(['from.example/a:1', 'from.example/b:1']);
  });
});
