import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DynamoLayerLeases } from '../../../core/aws/dynamodb/layer-leases.ts';
import { newJobId } from '../../../core/jobs/record.ts';
import { digestOf } from '../../../core/oci/digest.ts';
import { type LocalStores, startStores } from '../../support/local-stores.ts';

describe('the leases of layers on DynamoDB', () => {
  let stores: LocalStores;
  let leases: DynamoLayerLeases;
  beforeAll(async () => {
    stores = await startStores();
    leases = new DynamoLayerLeases(stores.table);
  });
  afterAll(() => stores.close());
  const layer = digestOf(Buffer.from('layer'));
  const other = digestOf(Buffer.from('another layer'));
  const now = new Date('2026-04-01T12:00:00.000Z');
  const later = (ms: number) => new Date(now.getTime() + ms);

  it('go to one of many', async () => {
    const job = newJobId();
    const takers = Array.from({ length: 20 }, (_, i) => leases.take(job, layer, `owner ${i}`, 60_000, now));
    expect((await Promise.all(takers)).filter((taken) => taken)).toHaveLength(1);
  });

  it('last until their end, and longer for who renews', async () => {
    const job = newJobId();
    expect(await leases.take(job, layer, 'first', 60_000, now)).toBe(true);
    expect(await leases.take(job, layer, 'second', 60_000, later(59_999))).toBe(false);
    expect(await leases.take(job, layer, 'first', 60_000, later(20_000))).toBe(true);
    expect(await leases.take(job, layer, 'second', 60_000, later(79_999))).toBe(false);
    expect(await leases.take(job, layer, 'second', 60_000, later(80_000))).toBe(true);
    expect(await leases.take(job, layer, 'first', 60_000, later(80_001)), 'lost by who came late').toBe(
      false,
    );
  });

  it('are free after their release, and nobody else’s release frees them', async () => {
    const job = newJobId();
    await leases.take(job, layer, 'first', 60_000, now);
    await leases.release(job, layer, 'second');
    expect(await leases.take(job, layer, 'second', 60_000, now)).toBe(false);
    await leases.release(job, layer, 'first');
    expect(await leases.take(job, layer, 'second', 60_000, now)).toBe(true);
    await leases.release(job, layer, 'first');
    expect(await leases.held(job, [layer], now)).toEqual(new Set([layer]));
  });

  it('tell which layers somebody carries', async () => {
    const job = newJobId();
    expect(await leases.held(job, [layer, other], now)).toEqual(new Set());
    expect(await leases.held(job, [], now)).toEqual(new Set());
    await leases.take(job, layer, 'a', 60_000, now);
    await leases.take(job, other, 'b', 30_000, now);
    expect(await leases.held(job, [layer, other, layer], later(29_999))).toEqual(new Set([layer, other]));
    expect(await leases.held(job, [layer, other], later(30_000))).toEqual(new Set([layer]));
    expect(await leases.held(job, [other], now)).toEqual(new Set([other]));
    expect(await leases.held(newJobId(), [layer], now), 'of another job').toEqual(new Set());
  });
});
