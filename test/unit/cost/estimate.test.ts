import { describe, expect, it } from 'vitest';
import { type Counts, counts, type Use } from '../../../core/cost/counts.ts';
import { type CostEstimate, estimateCost, type Workload } from '../../../core/cost/estimate.ts';
import { listPrices, regionPrices } from '../../../core/cost/prices.ts';
import { type PricesError, priceNames, pricesFor } from '../../../core/cost/read-prices.ts';
import { shapeOf, smallestShape } from '../../../core/cost/shape.ts';
import { monthlyUsd } from '../../../core/reconcile/storage.ts';
import { configOf } from '../../cdk/mirror-template.ts';

const nothing: Use = {
  functions: {},
  tableReads: 0,
  tableWrites: 0,
  sqsFifo: 0,
  sqsStandard: 0,
  s3Puts: 0,
  s3Gets: 0,
  busEvents: 0,
  registryRequests: 0,
  logBytes: 0,
};
/** A pipeline that only does what a test gives it. */
const silent: Counts = {
  measured: '2026-12-01',
  pushes: { first: nothing, next: nothing, nothing },
  idleMinute: nothing,
  snapshot: nothing,
  deployed: { memory: { mirror: 1_024, webhook: 512 }, alarms: 0, secrets: 0, metrics: 0 },
};
const work: Workload = { pushes: 1_000_000, copiedBytes: 0, keptMonths: 1, mappings: 0 };

/** Dollars by item, both those with and those without pushes. */
function itemsOf({ items }: CostEstimate): Record<string, number> {
  const usd: Record<string, number> = {};
  for (const { service, item, usd: each } of items)
    usd[`${service}: ${item}`] = (usd[`${service}: ${item}`] ?? 0) + each;
  return usd;
}

describe('an estimate', () => {
  it('multiplies what was counted by the prices', () => {
    const pushes = { ...silent.pushes, next: { ...nothing, tableReads: 8, tableWrites: 2, busEvents: 1 } };
    const items = itemsOf(estimateCost(work, smallestShape, listPrices, { ...silent, pushes }));
    // 80 % of a million pushes are next versions.
    expect(items['DynamoDB: reads']).toBeCloseTo(0.8 * 8 * 0.125, 6);
    expect(items['DynamoDB: writes']).toBeCloseTo(0.8 * 2 * 0.625, 6);
    expect(items['EventBridge: own events']).toBeCloseTo(0.8, 6);
    expect(items['API Gateway: HTTP API requests']).toBeCloseTo(1, 6);
  });

  it('bills CPU time at the share of a processor that the memory has, and the waiting', () => {
    const next = {
      ...nothing,
      functions: { webhook: { invocations: 1, cpuMs: 10 } },
      tableWrites: 5,
    };
    const pushes = { ...silent.pushes, next };
    const items = itemsOf(estimateCost(work, smallestShape, listPrices, { ...silent, pushes }));
    const seconds = 0.01 / (512 / 1_769) + 5 * 0.008;
    expect(items['Lambda: duration (arm64)']).toBeCloseTo(800_000 * seconds * 0.5 * 0.0000133334, 4);
    expect(items['Lambda: requests']).toBeCloseTo(0.16, 6);
  });

  it('counts the second look at a push that brings nothing', () => {
    const pushes = { ...silent.pushes, nothing: { ...nothing, tableWrites: 1 } };
    const items = itemsOf(estimateCost(work, smallestShape, listPrices, { ...silent, pushes }));
    expect(items['DynamoDB: writes']).toBeCloseTo(2 * 0.15 * 0.625, 6);
  });

  it('stores and carries the bytes that pushes bring, in each region', () => {
    const copied = { ...work, pushes: 1_000, copiedBytes: 100e6 };
    const one = itemsOf(estimateCost(copied, smallestShape, listPrices, silent));
    // 85 GB, at 5.4 CPU seconds for each, with 1,024 MB.
    expect(one['ECR: image storage']).toBeCloseTo(8.5, 6);
    const seconds = Math.max(85 * 5.4 * (1_769 / 1_024), 85e9 / 60e6);
    expect(one['Lambda: duration (arm64)']).toBeCloseTo(seconds * 0.0000133334, 6);
    expect(one['ECR: replication to other regions']).toBeUndefined();
    const kept = { ...copied, keptMonths: 6 };
    const three = itemsOf(estimateCost(kept, { ...smallestShape, regions: 3 }, listPrices, silent));
    expect(three['ECR: image storage']).toBeCloseTo(8.5 * 3 * 6, 6);
    expect(three['ECR: replication to other regions']).toBeCloseTo(85 * 2 * 0.02, 6);
  });

  it('reads the mapping for a snapshot in each minute with a push, and no more often', () => {
    const many = { ...work, mappings: 100_000 };
    const reads = (pushes: number) =>
      itemsOf(estimateCost({ ...many, pushes }, smallestShape, listPrices, silent))['DynamoDB: reads'] ?? 0;
    expect(reads(1)).toBeCloseTo(20_000 * 0.125e-6, 6);
    expect(reads(100_000_000)).toBeCloseTo(43_200 * 20_000 * 0.125e-6, 2);
  });

  it('costs something without a push, and adds up', () => {
    const idle = estimateCost({ ...work, pushes: 0 }, smallestShape, listPrices, counts);
    expect(idle.usd).toBeCloseTo(idle.idleUsd, 9);
    expect(idle.usd).toBeGreaterThan(1);
    expect(idle.usd).toBeLessThan(20);
    const busy = estimateCost(work, smallestShape, listPrices, counts);
    expect(busy.items.reduce((sum, { usd }) => sum + usd, 0)).toBeCloseTo(busy.usd, 9);
    expect(busy.idleUsd).toBeCloseTo(idle.usd, 9);
  });

  it('adds what the configuration turns on', () => {
    const usd = (shape: Partial<typeof smallestShape>) =>
      estimateCost({ ...work, pushes: 1_000 }, { ...smallestShape, ...shape }, listPrices, counts).usd;
    const least = usd({});
    expect(usd({ ownSecrets: 2 }) - least).toBeGreaterThan(0.8);
    expect(usd({ alarms: 2 }) - least).toBeCloseTo(0.2, 6);
    expect(usd({ retention: true })).toBeGreaterThan(least);
    expect(usd({ notify: true })).toBeGreaterThan(least);
  });
});

describe('the shape of a configuration', () => {
  it('has its regions, its secrets each once, and what runs besides', () => {
    const shape = shapeOf(
      configOf(`
version: 1
mirror: { regions: [eu-west-1, us-east-1], repositoryPrefix: mirror }
alarms: { lag: 5m }
notify:
  - { name: chat, url: "https://chat.example/hook", secret: drayage/chat, events: [failed] }
upstreams:
  - registry: docker.io
    credentials: { secret: drayage/hub }
    repositories: [{ match: library/nginx, retention: { keepNewest: 5 } }]
  - registry: quay.io
    credentials: { secret: drayage/hub }
    repositories: [{ match: acme/** }]
`),
    );
    expect(shape).toEqual({ regions: 2, ownSecrets: 2, retention: true, notify: true, alarms: 2 });
  });
});

describe('prices', () => {
  it('are complete for each region, and positive', () => {
    for (const prices of Object.values(regionPrices))
      for (const name of priceNames) expect(prices[name], name).toBeGreaterThan(0);
    expect(monthlyUsd(1e9)).toBe(listPrices.ecrGbMonth);
  });

  it('are those of the region, except for the ones given', () => {
    expect(pricesFor('eu-west-1').apiRequest).toBe(1.11e-6);
    expect(pricesFor('eu-west-1', { apiRequest: 2, alarmMonth: 0 })).toMatchObject({
      apiRequest: 2,
      alarmMonth: 0,
      logGb: 0.57,
    });
  });

  it('of other regions are not guessed', () => {
    const thrown = (region: string, own?: unknown): PricesError => {
      try {
        pricesFor(region, own);
      } catch (error) {
        return error as PricesError;
      }
      throw new Error('the prices were taken');
    };
    expect(thrown('eu-central-1').message).toBe(
      'the prices of eu-central-1 are not known here, only those of us-east-1 and eu-west-1',
    );
    expect(thrown('__proto__').message).toContain('not known');
    const { logGb: _left, ...rest } = listPrices;
    expect(thrown('eu-central-1', rest).remedy).toBe('the file of prices lacks logGb');
    expect(pricesFor('eu-central-1', listPrices)).toEqual(listPrices);
    expect(thrown('us-east-1', { ecrGbMonth: '0.1', lamda: 1 }).message).toBe(
      `the prices can't be used: ecrGbMonth: "0.1" is not a number of dollars; lamda is not the name of a price`,
    );
    expect(thrown('us-east-1', [1]).message).toContain('not a JSON object');
    expect(thrown('us-east-1', { logGb: -1 }).message).toContain('logGb: -1');
  });
});
