import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DynamoLayerLeases } from '../../../core/aws/dynamodb/layer-leases.ts';
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
  let repositories = 0;
  const nextRepository = () => `mirror/docker.io/library/app-${++repositories}`;
  const later = (ms: number) => new Date(now.getTime() + ms);

  it('go to one of many workers', async () => {
    const repository = nextRepository();
    const takers = Array.from({ length: 20 }, (_, i) =>
      leases.take({ repository, layer, owner: `owner ${i}` }, 60_000, now),
    );
    expect((await Promise.all(takers)).filter((taken) => taken)).toHaveLength(1);
  });

  it('last until their end, and longer if they are renewed', async () => {
    const repository = nextRepository();
    expect(await leases.take({ repository, layer, owner: 'first' }, 60_000, now)).toBe(true);
    expect(await leases.take({ repository, layer, owner: 'second' }, 60_000, later(59_999))).toBe(false);
    expect(await leases.take({ repository, layer, owner: 'first' }, 60_000, later(20_000))).toBe(true);
    expect(await leases.take({ repository, layer, owner: 'second' }, 60_000, later(79_999))).toBe(false);
    expect(await leases.take({ repository, layer, owner: 'second' }, 60_000, later(80_000))).toBe(true);
    expect(
      await leases.take({ repository, layer, owner: 'first' }, 60_000, later(80_001)),
      'lost by the one that came late',
    ).toBe(false);
  });

  it('are free after their release, and nobody else’s release frees them', async () => {
    const repository = nextRepository();
    await leases.take({ repository, layer, owner: 'first' }, 60_000, now);
    await leases.release({ repository, layer, owner: 'second' });
    expect(await leases.take({ repository, layer, owner: 'second' }, 60_000, now)).toBe(false);
    await leases.release({ repository, layer, owner: 'first' });
    expect(await leases.take({ repository, layer, owner: 'second' }, 60_000, now)).toBe(true);
    await leases.release({ repository, layer, owner: 'first' });
    expect(await leases.held(repository, [layer], now)).toEqual(new Set([layer]));
  });

  it('show which layers somebody is copying', async () => {
    const repository = nextRepository();
    expect(await leases.held(repository, [layer, other], now)).toEqual(new Set());
    expect(await leases.held(repository, [], now)).toEqual(new Set());
    await leases.take({ repository, layer, owner: 'a' }, 60_000, now);
    await leases.take({ repository, layer: other, owner: 'b' }, 30_000, now);
    expect(await leases.held(repository, [layer, other, layer], later(29_999))).toEqual(
      new Set([layer, other]),
    );
    expect(await leases.held(repository, [layer, other], later(30_000))).toEqual(new Set([layer]));
    expect(await leases.held(repository, [other], now)).toEqual(new Set([other]));
    expect(await leases.held(nextRepository(), [layer], now), 'of another repository').toEqual(new Set());
  });

  it('count what waits in the queue as held, and leave it to the worker that takes it', async () => {
    const repository = nextRepository();
    expect(await leases.queue({ repository, layer }, 60_000, now)).toBe(true);
    expect(await leases.queue({ repository, layer }, 60_000, later(59_999)), 'it is already waiting').toBe(
      false,
    );
    expect(await leases.held(repository, [layer, other], now)).toEqual(new Set([layer]));
    expect(await leases.queue({ repository, layer }, 60_000, later(60_000)), 'it was lost').toBe(true);

    expect(await leases.take({ repository, layer, owner: 'first' }, 60_000, later(60_001))).toBe(true);
    expect(await leases.take({ repository, layer, owner: 'second' }, 60_000, later(60_002))).toBe(false);
    expect(await leases.queue({ repository, layer }, 60_000, later(60_003)), 'somebody is copying it').toBe(
      false,
    );
    await leases.unqueue({ repository, layer });
    expect(await leases.held(repository, [layer], later(60_004)), 'it is being copied').toEqual(
      new Set([layer]),
    );
    await leases.release({ repository, layer, owner: 'first' });

    await leases.queue({ repository, layer }, 60_000, now);
    await leases.unqueue({ repository, layer });
    expect(await leases.held(repository, [layer], now)).toEqual(new Set());
  });

  it('belong to nobody when all workers are gone', async () => {
    const repository = nextRepository();
    await leases.take({ repository, layer, owner: 'a dead one' }, 60_000, now);
    await leases.queue({ repository, layer: other }, 60_000, now);
    for (const each of [layer, other]) await leases.free({ repository, layer: each });
    expect(await leases.held(repository, [layer, other], now)).toEqual(new Set());
    expect(await leases.take({ repository, layer, owner: 'first' }, 60_000, now)).toBe(true);
  });
});
