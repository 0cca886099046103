import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { type SnapshotDependencies, SnapshotWriter } from '../../core/exports/build-snapshot.ts';
import { readDocument } from '../../core/exports/document.ts';
import { snapshotKey } from '../../core/exports/snapshot-store.ts';
import { changesSettleMs } from '../../core/mapping/store.ts';
import { startTestBucket, type TestBucket } from '../support/local-bucket.ts';
import { keyOf, type LocalStores, mappingOf, resolveOf, startStores } from '../support/local-stores.ts';

describe('the writer of the snapshot', () => {
  let stores: LocalStores;
  let test: TestBucket;
  beforeEach(async () => {
    stores = await startStores();
    test = await startTestBucket();
    await stores.mappings.putRegistryHost('eu-west-1', 'mirror.example');
    return async () => {
      await stores.close();
      await test[Symbol.asyncDispose]();
    };
  });

  async function publish(tag: string, content: string): Promise<void> {
    const key = keyOf(tag);
    const lease = await stores.mappings.acquireLease(key, 'job', 30_000);
    if (!lease) throw new Error('the tag is busy');
    const mapping = mappingOf(content);
    await stores.mappings.publish(key, lease, mapping, resolveOf(mapping, lease.fence));
  }

  /** The store, seen by a writer whose clock is ahead, and with pauses that the test makes. */
  function writerWith(more: Partial<SnapshotDependencies['mappings']> = {}): SnapshotWriter {
    const { mappings } = stores;
    return new SnapshotWriter({
      mappings: {
        changes: () => mappings.changes(),
        registryHosts: () => mappings.registryHosts(),
        all: () => mappings.all(),
        ...more,
      },
      snapshots: test.store,
    });
  }
  const settled = async () => {
    const { count, at } = await stores.mappings.changes();
    return { count, at: new Date(Date.parse(at) - changesSettleMs).toISOString() };
  };

  async function images(): Promise<string[]> {
    const stored = await test.store.head(snapshotKey);
    const gzip = await test.store.read(snapshotKey, stored?.etag ?? '');
    const found: string[] = [];
    for await (const { image, digest } of readDocument(gzip ?? new Uint8Array()))
      found.push(`${image} ${digest}`);
    return found;
  }
  const mapped = (tag: string, content: string) =>
    `docker.io/library/nginx:${tag} ${mappingOf(content).digest}`;

  it('stores an empty snapshot first, and reads nothing more until something changes', async () => {
    const writer = writerWith();
    expect(await writer.update()).toMatchObject({ kind: 'stored', count: 0 });
    expect(await writer.update()).toEqual({ kind: 'final' });
    await publish('1', 'one');
    expect(await writer.update()).toMatchObject({ kind: 'stored', count: 1 });
    expect(await images()).toEqual([mapped('1', 'one')]);
  });

  it('looks again until a minute after a change, since its writer may not be done', async () => {
    const writer = writerWith();
    await publish('1', 'one');
    expect(await writer.update()).toMatchObject({ kind: 'stored', count: 1 });
    await expect.poll(() => writer.update(), { timeout: 20_000 }).toEqual({ kind: 'unchanged', count: 1 });

    const late = writerWith({ changes: settled });
    // A new instance builds once: its code may be new.
    expect(await late.update()).toEqual({ kind: 'unchanged', count: 1 });
    expect(await late.update()).toEqual({ kind: 'final' });
  });

  it('does not read a table all the time that takes long to read', async () => {
    const { mappings } = stores;
    const writer = writerWith({
      async *all() {
        await sleep(300);
        yield* mappings.all();
      },
    });
    await publish('1', 'one');
    expect(await writer.update()).toMatchObject({ kind: 'stored' });
    expect(await writer.update()).toEqual({ kind: 'waiting' });
    await publish('2', 'two');
    await expect.poll(() => writer.update(), { timeout: 20_000 }).toMatchObject({ kind: 'stored', count: 2 });
  });

  it('stores nothing if only times have changed', async () => {
    await publish('1', 'one');
    expect(await writerWith().update()).toMatchObject({ kind: 'stored' });
    const lease = await stores.mappings.acquireLease(keyOf('1'), 'job', 30_000);
    if (!lease) throw new Error('the tag is busy');
    const at = '2027-01-01T00:00:00.000Z';
    expect(await stores.mappings.confirm(keyOf('1'), lease, resolveOf(mappingOf('one'), 2), at)).toBe(true);
    expect(await writerWith().update()).toEqual({ kind: 'unchanged', count: 1 });
  });

  it('builds again when a registry has a new address', async () => {
    const writer = writerWith();
    await publish('1', 'one');
    await writer.update();
    await stores.mappings.putRegistryHost('eu-west-1', 'other.example');
    expect(await writer.update()).toMatchObject({ kind: 'stored', count: 1 });
  });

  it('does not store what a slower build saw over a newer one', async () => {
    await publish('1', 'old');
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { mappings } = stores;
    const slow = writerWith({
      async *all() {
        yield* mappings.all();
        await held;
      },
    });
    const building = slow.update();
    await sleep(200);
    await publish('1', 'new');
    const fast = writerWith();
    expect(await fast.update()).toMatchObject({ kind: 'stored' });
    release();
    expect(await building).toEqual({ kind: 'overtaken' });
    expect(await images()).toEqual([mapped('1', 'new')]);
    expect(await slow.update()).toEqual({ kind: 'unchanged', count: 1 });
  });

  it('notices that a slower build was stored after its own had found nothing new', async () => {
    const state = { contents: ['a'], count: 1 };
    const shown = (contents: string[]) =>
      async function* () {
        for (const [n, content] of contents.entries())
          yield { key: keyOf(`v${n}`), revision: 1, mapping: mappingOf(content) };
      };
    const changes = async () => ({ count: state.count, at: '2026-01-01T00:00:00.000Z' });
    const fast = writerWith({ changes, all: () => shown(state.contents)() });
    await fast.update();

    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = writerWith({
      changes,
      async *all() {
        yield* shown(['a', 'b'])();
        await held;
      },
    });
    state.count = 2; // b is mapped, which the slow one sees
    const building = slow.update();
    await sleep(100);
    state.count = 3; // and removed
    expect(await fast.update()).toEqual({ kind: 'unchanged', count: 1 });
    release();
    expect(await building).toMatchObject({ kind: 'stored', count: 2 });
    expect(await fast.update()).toMatchObject({ kind: 'stored', count: 1 });
    expect(await images()).toEqual([mapped('v0', 'a')]);
  });

  it('ends with the last state, however many write at once while mappings change', async () => {
    const writers = Array.from({ length: 4 }, () => writerWith());
    let ended = false;
    const writing = writers.map(async (writer) => {
      while (!ended) await writer.update();
    });
    for (let n = 0; n < 25; n++) await publish(`v${n % 5}`, `content ${n}`);
    ended = true;
    await Promise.all(writing);
    await writerWith().update();
    expect(await images()).toEqual([20, 21, 22, 23, 24].map((n) => mapped(`v${n % 5}`, `content ${n}`)));
  });
});
