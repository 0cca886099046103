import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyOf, type LocalStores, mappingOf, resolveOf, startStores } from '../../support/local-stores.ts';

describe('the lease of a tag on DynamoDB', () => {
  let stores: LocalStores;
  let tags = 0;
  beforeAll(async () => {
    stores = await startStores();
  });
  afterAll(() => stores.close());
  const freshKey = () => keyOf(`tag-${++tags}`);
  const taken = async (key: ReturnType<typeof keyOf>, owner: string, ttlMs = 30_000) => {
    const lease = await stores.mappings.acquireLease(key, owner, ttlMs);
    if (!lease) throw new Error(`${owner} did not get the lease`);
    return lease;
  };

  it('goes to one of many', async () => {
    const key = freshKey();
    const leases = await Promise.all(
      Array.from({ length: 20 }, (_, i) => stores.mappings.acquireLease(key, `job ${i}`, 30_000)),
    );
    expect(leases.filter((lease) => lease !== undefined)).toHaveLength(1);
  });

  it('shows the tag as it was when it was taken', async () => {
    const key = freshKey();
    await stores.mappings.raiseEvent(key, 'job');
    await stores.mappings.beginResolve(key);
    expect((await taken(key, 'job')).state).toMatchObject({ events: 1, resolves: 1, revision: 0, fence: 1 });
  });

  it('is free again after its release, with the next number', async () => {
    const key = freshKey();
    const first = await taken(key, 'first');
    await stores.mappings.releaseLease(key, first);
    const second = await taken(key, 'second');
    expect(second.fence).toBe(first.fence + 1);
    // A late release does not free another's lease.
    await stores.mappings.releaseLease(key, first);
    expect(await stores.mappings.acquireLease(key, 'third', 30_000)).toBeUndefined();
  });

  it('can be taken after it has expired, and not before', async () => {
    const key = freshKey();
    const held = await taken(key, 'crashed', 60_000);
    expect(await stores.mappings.acquireLease(key, 'next', 30_000)).toBeUndefined();
    await stores.mappings.renewLease(key, held, 10);
    await sleep(20);
    expect(await stores.mappings.acquireLease(key, 'next', 30_000)).toMatchObject({ fence: 2 });
  });

  it('lasts longer when it is renewed, even if it had expired and nobody took it', async () => {
    const key = freshKey();
    const lease = await taken(key, 'slow', 1);
    await sleep(5);
    expect(await stores.mappings.renewLease(key, lease, 30_000)).toBe(true);
    expect(await stores.mappings.acquireLease(key, 'next', 30_000)).toBeUndefined();
  });

  it('cannot be renewed once it is free or belongs to another', async () => {
    const key = freshKey();
    const freed = await taken(key, 'freed');
    await stores.mappings.releaseLease(key, freed);
    expect(await stores.mappings.renewLease(key, freed, 30_000)).toBe(false);

    const late = await taken(key, 'late', 1);
    await sleep(5);
    await taken(key, 'next');
    expect(await stores.mappings.renewLease(key, late, 30_000)).toBe(false);
  });

  it('keeps a late holder from publishing, confirming and freeing', async () => {
    const key = freshKey();
    const mapping = mappingOf('late');
    const before = await taken(key, 'before');
    await stores.mappings.publish(key, before, mapping, resolveOf(mapping, 1));
    const late = await taken(key, 'late', 1);
    await sleep(5);
    await taken(key, 'next');

    const changed = mappingOf('changed');
    expect(await stores.mappings.publish(key, late, changed, resolveOf(changed, 2))).toBeUndefined();
    expect(await stores.mappings.confirm(key, late, resolveOf(mapping, 2), '2026-05-05T00:00:00.000Z')).toBe(
      false,
    );
    await stores.mappings.releaseLease(key, late);
    expect(await stores.mappings.acquireLease(key, 'third', 30_000)).toBeUndefined();
    expect(await stores.mappings.read(key)).toMatchObject({ revision: 1, mapping });
  });

  it('lets a holder publish whose time has expired if nobody took it', async () => {
    const key = freshKey();
    const lease = await taken(key, 'slow', 1);
    await sleep(5);
    const mapping = mappingOf('slow but alone');
    expect(await stores.mappings.publish(key, lease, mapping, resolveOf(mapping, 1))).toBe(1);
  });

  it('is free after a publication', async () => {
    const key = freshKey();
    const mapping = mappingOf('done');
    const lease = await taken(key, 'job');
    await stores.mappings.publish(key, lease, mapping, resolveOf(mapping, 1));
    expect(await stores.mappings.acquireLease(key, 'next', 30_000)).toMatchObject({ fence: 2 });
  });
});
