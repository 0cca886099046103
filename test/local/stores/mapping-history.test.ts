import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { DynamoMappingStore } from '../../../core/aws/dynamodb/mappings/mapping-store.ts';
import { LeaseError } from '../../../core/mapping/lease.ts';
import { publishMapping } from '../../../core/mapping/publish.ts';
import type { MappingRecord } from '../../../core/mapping/record.ts';
import { removeMapping } from '../../../core/mapping/remove.ts';
import { keyOf, type LocalStores, mappingOf, resolveOf, startStores } from '../../support/local-stores.ts';

describe('the history of a tag', () => {
  let stores: LocalStores;
  let repository = '';
  let count = 0;
  beforeAll(async () => {
    stores = await startStores();
  });
  beforeEach(() => {
    repository = `library/app-${++count}`;
  });
  afterAll(() => stores.close());

  const key = <R extends string>(reference: R) => keyOf(reference, repository);
  const [a, b, c] = [mappingOf('a'), mappingOf('b'), mappingOf('c')];
  const publish = (mapping: MappingRecord, resolve: number, store = stores.mappings) =>
    publishMapping(store, {
      key: key('1.0'),
      owner: 'job',
      mapping,
      resolve: resolveOf(mapping, resolve),
      moveTag: async () => {},
    });
  const remove = (look = async () => ({ reason: 'deleted', at: '2026-02-03T04:05:06.000Z' }) as const) =>
    removeMapping(stores.mappings, { key: key('1.0'), owner: 'events', look });
  const digests = async () =>
    (await stores.mappings.history(key('1.0'))).map(({ mapping }) => mapping.digest);

  it('is empty for a tag that was never mapped', async () => {
    expect(await stores.mappings.history(key('1.0'))).toEqual([]);
  });

  it('starts with what is current, and goes back', async () => {
    await publish(a, 1);
    await publish(b, 2);
    await publish(b, 3);
    await publish(c, 4);
    const history = await stores.mappings.history(key('1.0'));
    expect(history.map(({ revision }) => revision)).toEqual([3, 2, 1]);
    expect(history.map(({ mapping }) => mapping.digest)).toEqual([c, b, a].map(({ digest }) => digest));
    expect(history.map(({ replacedAt }) => typeof replacedAt)).toEqual(['undefined', 'string', 'string']);
  });

  it('is told apart by tag', async () => {
    await publish(a, 1);
    await publish(b, 2);
    expect(await stores.mappings.history(key('1'))).toEqual([]);
    expect(await stores.mappings.history(key('1.0.1'))).toEqual([]);
  });

  it('forgets what was replaced longer ago than it is kept', async () => {
    const short = new DynamoMappingStore(stores.table, { historySeconds: 60 });
    await publish(a, 1, short);
    await publish(b, 2, short);
    expect(await digests()).toEqual([b.digest, a.digest]);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 });
    try {
      expect(await digests()).toEqual([b.digest]);
    } finally {
      vi.useRealTimers();
    }
  });

  it('says what was removed, and why; then nothing is current', async () => {
    await publish(a, 1);
    await publish(b, 2);
    expect(await remove()).toMatchObject({ kind: 'removed', stored: { mapping: { digest: b.digest } } });
    expect(await stores.mappings.readMany([key('1.0')])).toEqual([]);
    const [removed, former] = await stores.mappings.history(key('1.0'));
    expect(removed).toMatchObject({ mapping: { digest: b.digest }, removed: { reason: 'deleted' } });
    expect(former).toMatchObject({ mapping: { digest: a.digest } });
    await publish(b, 3);
    expect(await digests()).toEqual([b.digest, b.digest, a.digest]);
    expect((await stores.mappings.read(key('1.0')))?.removed).toBeUndefined();
  });

  it('does not show a removed mapping in lists, nor to look-ups by tag', async () => {
    await publish(a, 1);
    await remove();
    const { mappings } = await stores.mappings.list({ registry: 'docker.io', repository, limit: 10 });
    expect(mappings).toEqual([]);
    expect(await stores.mappings.tagsOf(key('1.0'))).toEqual([]);
  });

  it('keeps a mapping whose image is there', async () => {
    await publish(a, 1);
    expect(await remove(async () => undefined as never)).toEqual({ kind: 'kept' });
    expect(await digests()).toEqual([a.digest]);
    // The lease is free again.
    await publish(b, 2);
  });

  it('does not remove what was published since the lease was lost', async () => {
    await publish(a, 1);
    const overtaken = remove(async () => {
      // As if the lease had expired during the look, and another job had taken it.
      const { fence = 0 } = (await stores.mappings.read(key('1.0'))) ?? {};
      await stores.mappings.releaseLease(key('1.0'), { fence, state: {} as never });
      await publish(b, 2);
      return { reason: 'deleted', at: '2026-02-03T04:05:06.000Z' } as const;
    });
    await expect(overtaken).rejects.toThrow(LeaseError);
    expect(await digests()).toEqual([b.digest, a.digest]);
  });

  it('finds the upstream of a mirror repository, and counts changes', async () => {
    const before = await stores.mappings.changes();
    await publish(
      { ...a, mirrorRepository: `mirror/docker.io/${repository}` },
      1,
      new DynamoMappingStore(stores.table),
    );
    expect(await stores.mappings.upstreamOf(`mirror/docker.io/${repository}`)).toEqual({
      registry: 'docker.io',
      repository,
    });
    expect(await stores.mappings.upstreamOf('mirror/docker.io/other')).toBeUndefined();
    expect((await stores.mappings.changes()).count).toBeGreaterThan(before.count);
  });
});
