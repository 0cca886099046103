import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { DynamoUpstreamGate } from '../../../core/aws/dynamodb/upstream-gate.ts';
import { type LocalStores, startStores } from '../../support/local-stores.ts';

describe('the gate of an upstream on DynamoDB', () => {
  let stores: LocalStores;
  let registries = 0;
  beforeAll(async () => {
    stores = await startStores();
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });
  afterAll(() => stores.close());
  const freshRegistry = () => `registry-${++registries}.example`;
  /** The gate as another process sees it. */
  const gate = (cacheMs?: number) => new DynamoUpstreamGate(stores.table, cacheMs);
  const now = new Date('2026-04-01T12:00:00.000Z');
  const later = (seconds: number) => new Date(now.getTime() + seconds * 1_000);

  it('is open until somebody closes it, and then closed for all', async () => {
    const registry = freshRegistry();
    expect(await gate().closedUntil(registry, now)).toBeUndefined();
    await gate().close(registry, later(60));
    expect(await gate().closedUntil(registry, now)).toEqual(later(60));
    expect(await gate().closedUntil(freshRegistry(), now), 'for this registry only').toBeUndefined();
  });

  it('opens by itself', async () => {
    const registry = freshRegistry();
    const own = gate();
    await own.close(registry, later(60));
    expect(await own.closedUntil(registry, later(59))).toEqual(later(60));
    expect(await own.closedUntil(registry, later(60))).toBeUndefined();
    expect(await gate().closedUntil(registry, later(60))).toBeUndefined();
    await own.close(registry, later(90));
    expect(await gate().closedUntil(registry, later(60))).toEqual(later(90));
  });

  it('is closed for the longest time that anybody was told', async () => {
    const registry = freshRegistry();
    const [first, second] = [gate(), gate()];
    await first.close(registry, later(60));
    await second.close(registry, later(30));
    expect(await second.closedUntil(registry, now), 'even for a caller that was told less').toEqual(
      later(60),
    );
    const ends = [later(70), later(120), later(90)];
    await Promise.all(ends.map((until) => gate().close(registry, until)));
    expect(await gate().closedUntil(registry, now)).toEqual(later(120));
  });

  it('believes what it read for a while, but its own closing at once', async () => {
    const registry = freshRegistry();
    const own = gate(100);
    const send = vi.spyOn(stores.table.client, 'send');
    expect(await own.closedUntil(registry, now)).toBeUndefined();
    expect(await own.closedUntil(registry, now)).toBeUndefined();
    expect(send).toHaveBeenCalledTimes(1);

    await gate().close(registry, later(60));
    await sleep(110);
    expect(await own.closedUntil(registry, now)).toEqual(later(60));

    await own.close(registry, later(90));
    send.mockClear();
    expect(await own.closedUntil(registry, now)).toEqual(later(90));
    expect(send).not.toHaveBeenCalled();
  });
});
