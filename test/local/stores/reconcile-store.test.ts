import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DynamoReconcileStore } from '../../../core/aws/dynamodb/reconcile-store.ts';
import { DynamoDryRunStore } from '../../../core/aws/dynamodb/rounds/dry-run-store.ts';
import { emptyReport, type Scope } from '../../../core/reconcile/dry-run/report.ts';
import { keyOf, type LocalStores, mappingOf, resolveOf, startStores } from '../../support/local-stores.ts';

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describe('rounds on DynamoDB', () => {
  let stores: LocalStores;
  let store: DynamoReconcileStore;
  let registries = 0;
  beforeAll(async () => {
    stores = await startStores();
    store = new DynamoReconcileStore(stores.table);
  });
  afterAll(() => stores.close());
  const freshRegistry = () => `registry-${++registries}.example`;
  const at = (minute: number) => new Date(Date.UTC(2026, 3, 1, 12, minute)).toISOString();
  const namesOf = async (registry: string, now: string, limit = 10) =>
    (await store.due(registry, now, limit)).map(({ round }) => round.repository);

  it('are due in order of their times, per upstream', async () => {
    const registry = freshRegistry();
    await store.save({ registry, repository: 'b', dueAt: at(1) });
    await store.save({ registry, repository: 'a', dueAt: at(2) });
    await store.save({ registry, repository: 'later', dueAt: at(9) });
    await store.save({ registry: freshRegistry(), repository: 'other', dueAt: at(1) });
    expect(await namesOf(registry, at(2))).toEqual(['b', 'a']);
    expect(await namesOf(registry, at(2), 1)).toEqual(['b']);
    expect(await namesOf(registry, at(0))).toEqual([]);
  });

  it('leave their former notes behind', async () => {
    const registry = freshRegistry();
    const place = { registry, repository: 'a' };
    await store.save({ ...place, dueAt: at(1) });
    const [due] = await store.due(registry, at(1), 10);
    const found = { tags: 3, selected: 2, queued: 1, unmapped: 0 };
    await store.save({ ...place, dueAt: at(30), begunAt: at(1), found }, due?.notes);
    expect(await namesOf(registry, at(29))).toEqual([]);
    expect(await namesOf(registry, at(30))).toEqual(['a']);
    expect(await store.read(place)).toEqual({ ...place, dueAt: at(30), begunAt: at(1), found });
  });

  it('are found by a note that was left behind, and only if they are due', async () => {
    const registry = freshRegistry();
    const place = { registry, repository: 'a' };
    await store.save({ ...place, dueAt: at(1) });
    // The worker died before it removed the first note.
    await store.save({ ...place, dueAt: at(5) });
    expect(await namesOf(registry, at(4))).toEqual([]);
    expect(await namesOf(registry, at(5))).toEqual(['a']);
  });

  it('are due once somebody has asked, also if a walk comes between the writes', async () => {
    const registry = freshRegistry();
    const { table } = stores;
    let walks = 0;
    const client = {
      async send(command: never) {
        const sent = await table.client.send(command);
        if (walks++ === 0) expect(await namesOf(registry, at(1))).toEqual([]);
        return sent;
      },
    } as unknown as typeof table.client;
    const asking = new DynamoReconcileStore({ ...table, client });
    await asking.request({ registry, repository: 'a' }, at(1));
    expect(walks).toBeGreaterThan(0);
    expect(await namesOf(registry, at(1))).toEqual(['a']);
  });

  it('look past notes that nothing confirms', async () => {
    const registry = freshRegistry();
    for (const name of ['a', 'b', 'c']) {
      await store.save({ registry, repository: name, dueAt: at(1) });
      await store.save({ registry, repository: name, dueAt: at(50) });
    }
    await store.save({ registry, repository: 'd', dueAt: at(2) });
    expect(await namesOf(registry, at(3), 2)).toEqual(['d']);
  });

  it('are due when somebody asks, until a round begins after that', async () => {
    const registry = freshRegistry();
    const place = { registry, repository: 'a' };
    await store.request(place, at(1));
    expect(await namesOf(registry, at(1))).toEqual(['a']);
    const [due] = await store.due(registry, at(1), 10);
    await store.request(place, at(3));
    // The round that was begun at 2 ends.
    await store.save({ ...place, dueAt: at(60), begunAt: at(2) }, due?.notes);
    expect(await namesOf(registry, at(4))).toEqual(['a']);
    const [again] = await store.due(registry, at(4), 10);
    await store.save({ ...place, dueAt: at(60), begunAt: at(4) }, again?.notes);
    expect(await namesOf(registry, at(59))).toEqual([]);
  });

  it('can be forgotten', async () => {
    const registry = freshRegistry();
    await store.save({ registry, repository: 'a', dueAt: at(1) });
    const [due] = await store.due(registry, at(1), 10);
    if (due) await store.forget(due);
    expect(await namesOf(registry, at(9))).toEqual([]);
    expect(await store.read({ registry, repository: 'a' })).toBeUndefined();
  });

  it('a search keeps a request that came meanwhile', async () => {
    const registry = freshRegistry();
    expect(await store.readSearch(registry)).toBeUndefined();
    await store.requestSearch(registry, at(1));
    expect(await store.readSearch(registry)).toMatchObject({ fingerprint: '', requestedAt: at(1) });
    await store.saveSearch({ registry, fingerprint: 'x', begunAt: at(2), nextAt: at(9) });
    expect(await store.readSearch(registry)).toEqual({
      registry,
      fingerprint: 'x',
      begunAt: at(2),
      nextAt: at(9),
      requestedAt: at(1),
    });
  });

  it('are told with their figures and failures, the failing ones until they end well', async () => {
    const registry = freshRegistry();
    expect(await store.summary(registry, at(0))).toEqual({
      search: undefined,
      due: 0,
      failing: [],
      isComplete: true,
    });
    const error = { code: 'DENIED', message: 'not for you' };
    const bad = { registry, repository: 'bad' };
    await store.save({ ...bad, dueAt: at(9), failures: 2, error });
    await store.save({ registry, repository: 'good', dueAt: at(3) });
    await store.saveSearch({ registry, fingerprint: 'x', begunAt: at(1), nextAt: at(9), repositories: 2 });
    await store.noteFinished(registry, at(2));
    const failing = { repository: 'bad', error, failures: 2, dueAt: at(9) };
    expect(await store.summary(registry, at(2))).toMatchObject({
      search: { fingerprint: 'x', repositories: 2 },
      due: 0,
      nextDueAt: at(3),
      finishedAt: at(2),
      failing: [failing],
    });
    const [first, second] = await store.due(registry, at(9), 10);
    expect((await store.summary(registry, at(9))).due).toBe(2);
    // It still fails: the note stays.
    await store.save({ ...bad, dueAt: at(20), failures: 3, error }, second?.notes);
    expect((await store.summary(registry, at(10))).failing).toEqual([
      { ...failing, failures: 3, dueAt: at(20) },
    ]);
    await store.save({ registry, repository: 'good', dueAt: at(60) }, first?.notes);
    const [again] = await store.due(registry, at(20), 10);
    await store.save({ ...bad, dueAt: at(50) }, again?.notes);
    expect(await store.summary(registry, at(21))).toMatchObject({ due: 0, nextDueAt: at(50), failing: [] });
  });

  it('let one compare at a time, until its time is over', async () => {
    const now = new Date(at(0));
    expect(await store.lock('a', 1_000, now)).toBe(true);
    expect(await store.lock('b', 1_000, now)).toBe(false);
    expect(await store.lock('a', 1_000, now)).toBe(true);
    expect(await store.lock('b', 1_000, new Date(now.getTime() + 1_000))).toBe(true);
    await store.unlock('a');
    expect(await store.lock('a', 1_000, now)).toBe(false);
    await store.unlock('b');
    expect(await store.lock('a', 1_000, now)).toBe(true);
  });
});

describe('dry runs on DynamoDB', () => {
  let stores: LocalStores;
  let dryRuns: DynamoDryRunStore;
  beforeAll(async () => {
    stores = await startStores();
    dryRuns = new DynamoDryRunStore(stores.table);
  });
  afterAll(() => stores.close());
  const at = (minute: number) => new Date(Date.UTC(2026, 3, 1, 12, minute));
  const asked = (scope: Scope, minute: number) => ({ ...scope, askedAt: at(minute).toISOString() });

  it('are taken once, again if their worker is gone, and given up in the end', async () => {
    const scope = { registry: 'ghcr.io', repository: 'acme/app' };
    await dryRuns.ask(asked(scope, 0));
    expect(await dryRuns.take(at(1))).toEqual(asked(scope, 0));
    expect(await dryRuns.take(at(2))).toBeUndefined();
    for (const minute of [17, 33]) expect(await dryRuns.take(at(minute))).toEqual(asked(scope, 0));
    expect(await dryRuns.isAsked(scope)).toBe(true);
    expect(await dryRuns.take(at(59))).toBeUndefined();
    expect(await dryRuns.isAsked(scope)).toBe(false);
  });

  it('keep their report until somebody asks again, for one that goes on meanwhile, too', async () => {
    const scope = { registry: 'quay.io' };
    await dryRuns.ask(asked(scope, 0));
    const first = await dryRuns.take(at(0));
    const report = emptyReport(scope, at(0));
    await dryRuns.save(report);
    expect(await dryRuns.read(scope)).toEqual(report);
    expect(await dryRuns.read({ ...scope, repository: 'acme/app' })).toBeUndefined();
    await dryRuns.ask(asked(scope, 1));
    expect(await dryRuns.read(scope)).toBeUndefined();
    if (first) await dryRuns.done(first);
    expect(await dryRuns.isAsked(scope)).toBe(true);
    const second = await dryRuns.take(at(1));
    expect(second).toEqual(asked(scope, 1));
    if (second) await dryRuns.done(second);
    expect(await dryRuns.isAsked(scope)).toBe(false);
  });
});

describe('what comparisons read of mappings', () => {
  let stores: LocalStores;
  beforeAll(async () => {
    stores = await startStores();
  });
  afterAll(() => stores.close());

  it('is the tags that are mapped, with the policy of their latest resolve', async () => {
    const { mappings } = stores;
    const mapping = mappingOf('one');
    const publish = async (tag: string, more: Partial<typeof mapping> = {}) => {
      const key = keyOf(tag);
      const lease = await mappings.acquireLease(key, 'test', 60_000);
      if (!lease) throw new Error('no lease');
      await mappings.publish(key, lease, { ...mapping, ...more }, resolveOf(mapping, 1));
      return key;
    };
    await publish('1');
    await publish('2', { pin: true });
    const lost = await publish('3', { pin: true });
    const gone = await publish('4');
    for (const key of [lost, gone]) {
      const lease = await mappings.acquireLease(key, 'test', 60_000);
      if (lease) await mappings.unmap(key, lease, { reason: 'deleted', at: '2026-04-01T12:00:00.000Z' });
    }
    await mappings.raiseEvent(keyOf('5'), '01000000000000000000000000');
    const found = await all(mappings.mappedTags(keyOf('')));
    const { sourceDigest, digest, mirrorRepository } = mapping;
    expect(found).toEqual([
      { tag: '1', sourceDigest, digest, mirrorRepository, pin: false, fingerprint: 'policy' },
      { tag: '2', sourceDigest, digest, mirrorRepository, pin: true, fingerprint: 'policy' },
      { tag: '3', digest, mirrorRepository, pin: true, fingerprint: 'policy' },
    ]);
    expect(await all(mappings.repositoriesOf('docker.io'))).toEqual(['library/nginx']);
    expect(await all(mappings.repositoriesOf('docker'))).toEqual([]);
  });
});
