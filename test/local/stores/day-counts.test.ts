import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DynamoDayCounts } from '../../../core/aws/dynamodb/savings/day-counts.ts';
import { readItem } from '../../../core/aws/dynamodb/table.ts';
import { emptyTransfer } from '../../../core/copy/ports.ts';
import type { DayCount, DayCounts } from '../../../core/jobs/savings/counts.ts';
import { type LocalStores, startStores } from '../../support/local-stores.ts';
import { MemoryDayCounts } from '../../support/memory-day-counts.ts';

let stores: LocalStores;
beforeAll(async () => {
  stores = await startStores();
});
afterAll(() => stores.close());

const count = (day: string, registry: string, more: Partial<DayCount> = {}): DayCount => ({
  day,
  registry,
  images: 1,
  ...emptyTransfer(),
  lags: new Map(),
  ...more,
});

describe.each([
  ['DynamoDB', () => new DynamoDayCounts(stores.table)],
  ['memory', () => new MemoryDayCounts()],
])('the counters of days in %s', (_, make: () => DayCounts) => {
  it('add up by day and upstream, however many are written at once', async () => {
    const counts = make();
    const day = '2026-04-01';
    const copied = { blobs: 2, bytes: 5_000_000_000 };
    await Promise.all([
      ...Array.from({ length: 8 }, () =>
        counts.add(count(day, 'ghcr.io', { copied, lags: new Map([[40, 1]]) })),
      ),
      counts.add(count(day, 'ghcr.io', { mounted: { blobs: 1, bytes: 7 }, lags: new Map([[44, 2]]) })),
      counts.add(count(day, 'quay.io:443', { present: { blobs: 3, bytes: 9 } })),
    ]);
    expect(await counts.read(day, day)).toEqual([
      {
        day,
        registry: 'ghcr.io',
        images: 9,
        copied: { blobs: 16, bytes: 40_000_000_000 },
        mounted: { blobs: 1, bytes: 7 },
        present: { blobs: 0, bytes: 0 },
        lags: new Map([
          [40, 8],
          [44, 2],
        ]),
      },
      count(day, 'quay.io:443', { present: { blobs: 3, bytes: 9 } }),
    ]);
  });

  it('are read from the first day to the last, in order', async () => {
    const counts = make();
    const days = ['2026-05-03', '2026-05-01', '2026-04-30', '2026-05-02', '2026-05-04'];
    for (const day of days) await counts.add(count(day, 'z.example'));
    const read = await counts.read('2026-05-01', '2026-05-03');
    expect(read.map(({ day }) => day)).toEqual(['2026-05-01', '2026-05-02', '2026-05-03']);
    expect(await counts.read('2026-06-01', '2026-06-30')).toEqual([]);
  });
});

it('DynamoDB forgets them 400 days later', async () => {
  await new DynamoDayCounts(stores.table).add(count('2026-04-01', 'old.example'));
  const item = await readItem(stores.table, { pk: 'savings', sk: '2026-04-01#old.example' });
  expect(new Date(Number(item?.expiresAt) * 1_000).toISOString()).toBe('2027-05-06T00:00:00.000Z');
});
