import { describe, expect, it } from 'vitest';
import { emptyTransfer, type Transfer } from '../../../../core/copy/ports.ts';
import { latestDays } from '../../../../core/jobs/savings/counts.ts';
import { lagBucket } from '../../../../core/jobs/savings/lag.ts';
import { savingsOf } from '../../../../core/jobs/savings/sum.ts';
import { type CountedJob, SavingsTally } from '../../../../core/jobs/savings/tally.ts';
import { MemoryDayCounts } from '../../../support/memory-day-counts.ts';

const transfer: Transfer = {
  copied: { blobs: 1, bytes: 100 },
  mounted: { blobs: 2, bytes: 20 },
  present: { blobs: 3, bytes: 3 },
};
const job = (registry: string, more: Partial<CountedJob> = {}): CountedJob => ({
  key: { registry, repository: 'acme/shop', reference: '1.0' },
  trigger: 'webhook',
  transfer,
  finishedAt: new Date('2026-04-01T12:00:00.000Z'),
  lagMs: 1_000,
  ...more,
});

describe('what an invocation counts', () => {
  it('is written once for each upstream and day, and not again', async () => {
    const tally = new SavingsTally();
    const counts = new MemoryDayCounts();
    for (let i = 0; i < 9; i++) tally.count(job('ghcr.io'));
    tally.count(job('ghcr.io', { finishedAt: new Date('2026-04-02T00:00:00.000Z') }));
    tally.count(job('quay.io', { trigger: 'reconcile' }));
    tally.count(job('quay.io', { lagMs: Number.NaN }));
    tally.count(job('gcr.io', { transfer: undefined }));
    await tally.write(
      () => counts,
      () => {},
    );
    await tally.write(
      () => counts,
      () => {},
    );
    expect(counts.writes).toBe(3);
    const [ghcr, quay, next] = await counts.read('2026-04-01', '2026-04-02');
    expect(ghcr).toEqual({
      day: '2026-04-01',
      registry: 'ghcr.io',
      images: 9,
      copied: { blobs: 9, bytes: 900 },
      mounted: { blobs: 18, bytes: 180 },
      present: { blobs: 27, bytes: 27 },
      lags: new Map([[lagBucket(1_000), 9]]),
    });
    expect([quay?.registry, quay?.images, quay?.lags.size]).toEqual(['quay.io', 2, 0]);
    expect([next?.day, next?.images]).toEqual(['2026-04-02', 1]);
  });

  it('is lost with a warning if it can’t be written, and the rest is written', async () => {
    const tally = new SavingsTally();
    const counts = new MemoryDayCounts();
    tally.count(job('ghcr.io'));
    tally.count(job('quay.io'));
    const warnings: unknown[][] = [];
    await tally.write(
      () => ({
        add: async (count) => {
          if (count.registry === 'ghcr.io') throw new Error('the table is full');
          await counts.add(count);
        },
      }),
      (...told) => warnings.push(told),
    );
    expect(warnings).toEqual([
      ['what was mirrored from ghcr.io could not be counted', new Error('the table is full')],
    ]);
    expect((await counts.read('2026-04-01', '2026-04-01')).map(({ registry }) => registry)).toEqual([
      'quay.io',
    ]);
  });
});

it('days are those until today, in UTC, with zeros where nothing was mirrored', async () => {
  const days = latestDays(3, new Date('2026-03-01T23:59:59.999Z'));
  expect(days).toEqual(['2026-02-27', '2026-02-28', '2026-03-01']);
  const count = (registry: string) => ({
    day: '2026-02-28',
    registry,
    images: 2,
    ...transfer,
    lags: new Map(),
  });
  const sums = savingsOf(days, [
    count('a.example'),
    count('b.example'),
    { ...count('c'), day: '2026-01-01' },
  ]);
  expect(sums).toEqual([
    { day: '2026-02-27', images: 0, ...emptyTransfer() },
    {
      day: '2026-02-28',
      images: 4,
      copied: { blobs: 2, bytes: 200 },
      mounted: { blobs: 4, bytes: 40 },
      present: { blobs: 6, bytes: 6 },
    },
    { day: '2026-03-01', images: 0, ...emptyTransfer() },
  ]);
});
