import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ImageKey, MappingRecord } from '../../../core/mapping/record.ts';
import { keyOf, type LocalStores, mappingOf, resolveOf, startStores } from '../../support/local-stores.ts';

describe('the mapping store on DynamoDB', () => {
  let stores: LocalStores;
  let tags = 0;
  beforeAll(async () => {
    stores = await startStores();
  });
  afterAll(() => stores.close());
  const freshKey = () => keyOf(`tag-${++tags}`);

  const publish = async (key: ImageKey, mapping: MappingRecord, number = 1) => {
    const lease = await stores.mappings.acquireLease(key, 'job', 30_000);
    if (!lease) throw new Error('the lease is taken');
    return await stores.mappings.publish(key, lease, mapping, resolveOf(mapping, number));
  };

  describe('counters', () => {
    it('give every event its own number, however many come at once', async () => {
      const key = freshKey();
      const numbers = await Promise.all(
        Array.from({ length: 40 }, () => stores.mappings.raiseEvent(key, 'job')),
      );
      expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
      expect((await stores.mappings.read(key))?.events).toBe(40);
    });

    it('put resolves in order, each with the events that existed when it began', async () => {
      const key = freshKey();
      await stores.mappings.raiseEvent(key, 'job');
      const first = await stores.mappings.beginResolve(key);
      await stores.mappings.raiseEvent(key, 'job');
      const second = await stores.mappings.beginResolve(key);
      expect(first).toMatchObject({ events: 1, resolves: 1, revision: 0, fence: 0 });
      expect(second).toMatchObject({ events: 2, resolves: 2 });

      const many = await Promise.all(Array.from({ length: 20 }, () => stores.mappings.beginResolve(key)));
      expect(new Set(many.map(({ resolves }) => resolves)).size).toBe(20);
    });

    it('belong to one tag each; an unknown tag is undefined', async () => {
      const key = freshKey();
      expect(await stores.mappings.read(key)).toBeUndefined();
      expect(await stores.mappings.beginResolve(key)).toMatchObject({ events: 0, resolves: 1 });
      expect(await stores.mappings.read(keyOf(key.reference, 'library/httpd'))).toBeUndefined();
    });
  });

  describe('the note that one more look is waiting', () => {
    const at = (ms: number) => new Date(Date.parse('2026-04-01T12:00:00Z') + ms);

    it('counts an event for one look at a time', async () => {
      const key = freshKey();
      await stores.mappings.raiseEvent(key, 'job');
      const answers = await Promise.all(
        ['a', 'b', 'c', 'd'].map((job) => stores.mappings.raiseRecheck(key, job, at(0))),
      );
      expect(answers.filter((event) => event !== undefined)).toEqual([2]);
      expect(await stores.mappings.raiseRecheck(key, 'e', at(9 * 60_000))).toBeUndefined();
      expect((await stores.mappings.read(key))?.events).toBe(2);
    });

    it('is forgotten only by its own job', async () => {
      const key = freshKey();
      await stores.mappings.raiseRecheck(key, 'mine', at(0));
      await stores.mappings.clearRecheck(key, 'another');
      expect(await stores.mappings.raiseRecheck(key, 'next', at(1))).toBeUndefined();
      await stores.mappings.clearRecheck(key, 'mine');
      expect((await stores.mappings.read(key))?.recheck).toBeUndefined();
      expect(await stores.mappings.raiseRecheck(key, 'next', at(2))).toBe(2);
    });

    it('counts as lost after ten minutes', async () => {
      const key = freshKey();
      await stores.mappings.raiseRecheck(key, 'died', at(0));
      expect(await stores.mappings.raiseRecheck(key, 'next', at(10 * 60_000))).toBeUndefined();
      expect(await stores.mappings.raiseRecheck(key, 'next', at(10 * 60_000 + 1))).toBe(2);
      // The job that was thought dead comes after all: the note is no longer its own.
      await stores.mappings.clearRecheck(key, 'died');
      expect((await stores.mappings.read(key))?.recheck).toBe('next');
    });
  });

  describe('publishing', () => {
    it('counts revisions and keeps what was committed', async () => {
      const key = freshKey();
      const [one, two] = [mappingOf('one'), mappingOf('two', { platforms: [] })];
      expect(await publish(key, one, 1)).toBe(1);
      expect(await publish(key, two, 2)).toBe(2);
      expect(await stores.mappings.read(key)).toMatchObject({
        revision: 2,
        mapping: two,
        committed: resolveOf(two, 2),
      });
    });

    it('lets one of two win that read the same revision', async () => {
      const key = freshKey();
      const early = await stores.mappings.acquireLease(key, 'early', 1);
      await new Promise((resolve) => setTimeout(resolve, 5));
      const late = await stores.mappings.acquireLease(key, 'late', 30_000);
      if (!early || !late) throw new Error('no lease');
      expect(late.state.revision).toBe(early.state.revision);
      const [one, two] = [mappingOf('early'), mappingOf('late')];

      const outcomes = await Promise.all([
        stores.mappings.publish(key, early, one, resolveOf(one, 1)),
        stores.mappings.publish(key, late, two, resolveOf(two, 2)),
      ]);
      expect(outcomes).toEqual([undefined, 1]);
      expect((await stores.mappings.read(key))?.mapping).toEqual(two);
    });

    it('refuses a second publication on the same revision', async () => {
      const key = freshKey();
      const lease = await stores.mappings.acquireLease(key, 'job', 30_000);
      if (!lease) throw new Error('no lease');
      const [one, two] = [mappingOf('one'), mappingOf('two')];
      expect(await stores.mappings.publish(key, lease, one, resolveOf(one, 1))).toBe(1);
      expect(await stores.mappings.publish(key, lease, two, resolveOf(two, 2))).toBeUndefined();
      expect((await stores.mappings.read(key))?.mapping).toEqual(one);
    });

    it('confirms what is mapped, with a new time and resolve but the old revision', async () => {
      const key = freshKey();
      const mapping = mappingOf('confirmed');
      await publish(key, mapping);
      const lease = await stores.mappings.acquireLease(key, 'again', 30_000);
      if (!lease) throw new Error('no lease');
      const seen = '2026-02-03T04:05:06.000Z';
      expect(await stores.mappings.confirm(key, lease, resolveOf(mapping, 5), seen)).toBe(true);
      expect(await stores.mappings.read(key)).toMatchObject({
        revision: 1,
        mapping: { ...mapping, observedAt: seen },
        committed: { resolve: 5 },
      });
      // The lease is free again, and a job that lost it confirms nothing.
      expect(await stores.mappings.acquireLease(key, 'next', 30_000)).toMatchObject({
        fence: lease.fence + 1,
      });
      expect(await stores.mappings.confirm(key, lease, resolveOf(mapping, 6), seen)).toBe(false);
      expect((await stores.mappings.read(key))?.committed?.resolve).toBe(5);
    });

    it('maps a digest without a lease, and the same digest again', async () => {
      const mapping = mappingOf('by digest');
      const key = keyOf(mapping.digest);
      await stores.mappings.putDigest(key, mapping);
      await stores.mappings.putDigest(key, { ...mapping, job: 'another' });
      expect(await stores.mappings.readMany([key])).toEqual([
        { key, revision: 1, mapping: { ...mapping, job: 'another' } },
      ]);
      // A job for the digest itself publishes over it.
      expect(await publish(key, mapping)).toBe(2);
    });
  });

  it('knows where the registries of the regions are', async () => {
    expect(await stores.mappings.registryHosts()).toEqual({});
    await stores.mappings.putRegistryHost('eu-west-1', '127.0.0.1:5000');
    await stores.mappings.putRegistryHost('us-east-1', 'us.example');
    await stores.mappings.putRegistryHost('eu-west-1', '127.0.0.1:5001');
    expect(await stores.mappings.registryHosts()).toEqual({
      'eu-west-1': '127.0.0.1:5001',
      'us-east-1': 'us.example',
    });
  });
});
