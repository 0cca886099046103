import { describe, expect, it } from 'vitest';
import { describeDelivery, describeJob } from '../../../../cli/local/happenings.ts';
import type { JobRecord } from '../../../../core/jobs/record.ts';

describe('a delivery in one line', () => {
  const accepted = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ image: `ghcr.io/acme/shop:${index}`, job: 'j' }));

  it.each([
    [{ status: 202, accepted: accepted(1), ignored: [] }, 'accepted ghcr.io/acme/shop:0'],
    [
      {
        status: 202,
        accepted: accepted(5),
        ignored: [{ image: 'ghcr.io/a:1', reason: 'not_configured: no rule' }, { reason: 'no_tag' }],
      },
      'accepted ghcr.io/acme/shop:0, ghcr.io/acme/shop:1, ghcr.io/acme/shop:2 and 2 more; ignored ghcr.io/a:1: not_configured: no rule, no_tag',
    ],
    [{ status: 200, accepted: [], ignored: [] }, 'a ping, or a delivery without images'],
    [{ status: 200 }, 'answered 200, to a handshake'],
    [
      { status: 401, code: 'not_authentic' },
      'refused with 401 not_authentic: check the secret at the sender',
    ],
    [{ status: 418, code: 'new' }, 'refused with 418 new'],
    [{ status: 503, code: 'not_queued' }, 'not queued, answered 503: the sender should retry'],
  ])('%j', (delivery, expected) => {
    expect(describeDelivery({ name: 'github', ...delivery })).toBe(expected);
  });

  it('cannot move the cursor or forge another line', () => {
    const reason = `malformed: \x1b[2J\n20:00:00  github  accepted \u202e${'x'.repeat(500)}`;
    const line = describeDelivery({ name: 'github', status: 202, accepted: [], ignored: [{ reason }] });
    expect(line).toMatch(/^ignored malformed: +\[2J 20:00:00 +github +accepted +x+…$/);
  });
});

describe('a job in one line', () => {
  const job: JobRecord = {
    id: '01',
    key: { registry: 'ghcr.io', repository: 'acme/shop', reference: '1.0' },
    event: 1,
    state: 'committed',
    trigger: 'webhook',
    receivedAt: '2026-01-01T00:00:00.000Z',
    finishedAt: '2026-01-01T00:00:02.500Z',
    attempts: 1,
    transfer: {
      copied: { blobs: 2, bytes: 5_000_000 },
      mounted: { blobs: 0, bytes: 0 },
      present: { blobs: 1, bytes: 806 },
    },
  };
  const error = { code: 'X', side: 'upstream' as const, message: 'it is gone', remedy: 'push it again' };
  const { transfer: _, ...without } = job;

  it.each([
    [job, 'committed in 2.5 s: copied 2 (5.00 MB), mounted 0 (0 B), present 1 (806 B)'],
    [{ ...without, state: 'satisfied' as const }, 'satisfied in 2.5 s: the mirror already had it'],
    [
      {
        ...job,
        state: 'satisfied' as const,
        reason: { code: 'not_selected' as const, message: 'newer ones' },
      },
      'satisfied in 2.5 s: newer ones',
    ],
    [{ ...without, state: 'superseded' as const }, 'superseded in 2.5 s: a later push took its place'],
    [{ ...job, state: 'failed' as const, error }, 'failed in 2.5 s: it is gone; push it again'],
  ])('%#', (record, expected) => {
    expect(describeJob(record)).toBe(`ghcr.io/acme/shop:1.0 ${expected}`);
  });

  it('that waits says until when, and why', () => {
    const notBefore = '2026-01-01T00:01:00.000Z';
    expect(describeJob({ ...without, state: 'waiting', notBefore, error })).toMatch(
      /^ghcr\.io\/acme\/shop:1\.0 waiting until [\d-]+ \d\d:\d1:00: it is gone$/,
    );
  });
});
