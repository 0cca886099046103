import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { inParallel } from '../../../core/async/in-parallel.ts';
import { DynamoRetiringStore } from '../../../core/aws/dynamodb/mappings/retiring.ts';
import { publishMapping } from '../../../core/mapping/publish.ts';
import type { ImageKey, MappingRecord } from '../../../core/mapping/record.ts';
import { unknownWriter } from '../../../core/mapping/store.ts';
import type { Digest } from '../../../core/oci/digest.ts';
import { keyOf, type LocalStores, mappingOf, resolveOf, startStores } from '../../support/local-stores.ts';

describe('mappings of digests', () => {
  let stores: LocalStores;
  const queries: string[] = [];
  /** Called before each request with the name of its command. */
  let before: (command: string) => Promise<void> = async () => {};
  let repository = '';
  let count = 0;
  beforeAll(async () => {
    stores = await startStores();
    stores.table.client.middlewareStack.add(
      (next, context) => async (args) => {
        queries.push(String(context.commandName));
        await before(String(context.commandName));
        return await next(args);
      },
      { step: 'initialize' },
    );
  });
  beforeEach(() => {
    repository = `library/app-${++count}`;
  });
  afterAll(() => stores.close());

  const key = <R extends string>(reference: R) => keyOf(reference, repository);
  const publish = (at: ImageKey, mapping: MappingRecord, resolve: number) =>
    publishMapping(stores.mappings, {
      key: at,
      owner: 'job',
      mapping,
      resolve: resolveOf(mapping, resolve),
      moveTag: async () => {},
    });
  const listed = async (limit = 100, cursor?: string) =>
    await stores.mappings.list({ registry: 'docker.io', repository, limit, ...(cursor && { cursor }) });
  /** Seconds since 1970 of the item's expiry; undefined if it has none. */
  const expiryOf = async (digest: string): Promise<number | undefined> => {
    const { Item } = await stores.table.client.send(
      new GetCommand({
        TableName: stores.table.name,
        Key: { pk: `repo#docker.io/${repository}`, sk: `digest#${digest}` },
        ConsistentRead: true,
      }),
    );
    return Item?.expiresAt;
  };
  const [a, b] = [mappingOf('a'), mappingOf('b')];
  const later = new Date('2026-05-01T00:00:00.000Z');
  const retire = (digest: Digest) => stores.mappings.retireDigest(key(digest), later);

  const itemOf = async (digest: string) => {
    const Key = { pk: `repo#docker.io/${repository}`, sk: `digest#${digest}` };
    const { name: TableName, client } = stores.table;
    return (await client.send(new GetCommand({ TableName, Key, ConsistentRead: true }))).Item;
  };

  it('keep no note of the lease under which a tag was pointed to them', async () => {
    await publish(key('1'), a, 1);
    await publish(key('2'), a, 1);
    expect((await itemOf(a.digest))?.publishing).toBeUndefined();
  });

  it('note so many writers at most, and then that there are others, which retention heeds', {
    timeout: 240_000,
  }, async () => {
    const put = (fence: number) =>
      stores.mappings.putDigest(key(a.digest), a, { phase: 'begin', tag: 'dies', fence });
    await inParallel(
      Array.from({ length: 520 }, (_, n) => n + 1),
      20,
      put,
    );
    const { publishing } = (await itemOf(a.digest)) ?? {};
    expect(publishing.size).toBe(501);
    const retiring = new DynamoRetiringStore(stores.table);
    const known = [];
    for await (const digest of retiring.digests({ registry: 'docker.io', repository })) known.push(digest);
    expect(known[0]?.writers).toContainEqual(unknownWriter);
    // The writers that are known end; the others stay.
    const { writers = [] } = known[0] ?? {};
    await retiring.forgetWriters(
      key(a.digest),
      writers.filter(({ tag }) => tag !== unknownWriter.tag),
    );
    const { claim } = (await itemOf(a.digest)) ?? {};
    expect(await retiring.begin(key(a.digest), { owner: 'run', claim, until: Date.now() + 60_000 })).toBe(
      false,
    );
  });

  it('are not read to list the tags, however many there are', async () => {
    for (let n = 0; n < 5; n += 1) await publish(key(`v${n}`), mappingOf(`v${n}`), 1);
    const digests = Array.from({ length: 2_000 }, (_, n) => mappingOf(`old ${n}`));
    // All at once would wait longer for each other than a request may take.
    const put = (mapping: MappingRecord) => stores.mappings.putDigest(key(mapping.digest), mapping);
    await inParallel(digests, 50, put);
    queries.length = 0;
    expect((await listed()).mappings).toHaveLength(5);
    expect(queries).toEqual(['QueryCommand']);
    expect(await stores.mappings.readMany([key(digests[7]?.digest ?? '')])).toHaveLength(1);
  });

  it('are listed if they were published for their own sake, in order and page by page', async () => {
    await publish(key('alpha'), a, 1);
    await publish(key('zeta'), a, 1);
    await stores.mappings.putDigest(key(b.digest), b);
    await publish(key(b.digest), b, 1);
    const references = [];
    for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
      const page = await listed(1, cursor);
      references.push(...page.mappings.map(({ key: { reference } }) => reference));
      cursor = page.cursor;
    }
    expect(references).toEqual(['alpha', b.digest, 'zeta']);
  });

  it('are listed when a look for their own sake finds nothing new', async () => {
    await publish(key('1.0'), a, 1);
    const lease = await stores.mappings.acquireLease(key(a.digest), 'job', 30_000);
    if (!lease) throw new Error('no lease');
    await stores.mappings.confirm(key(a.digest), lease, resolveOf(a, 1), '2026-02-03T04:05:06.000Z');
    expect((await listed()).mappings.map(({ key: { reference } }) => reference)).toEqual(['1.0', a.digest]);
  });

  it('are reported by a publication that leaves them, and by no other', async () => {
    expect(await publish(key('1.0'), a, 1)).toMatchObject({ kind: 'published' });
    expect(await publish(key('1.0'), { ...a, mirrorRepository: 'mirror/other' }, 2)).toEqual({
      kind: 'published',
      mapping: expect.anything(),
      revision: 2,
    });
    expect(await publish(key('1.0'), b, 3)).toEqual({
      kind: 'published',
      mapping: expect.anything(),
      revision: 3,
      replaced: a.digest,
      before: expect.objectContaining({ digest: a.digest }),
    });
  });

  it('expire once no tag points to them', async () => {
    await publish(key('1.0'), a, 1);
    await publish(key('latest'), a, 1);
    await publish(key('1.0'), b, 2);
    expect(await retire(a.digest), 'latest points to it').toBe(false);
    expect(await expiryOf(a.digest)).toBeUndefined();
    await publish(key('latest'), b, 2);
    expect(await retire(a.digest)).toBe(true);
    expect(await expiryOf(a.digest)).toBe(later.getTime() / 1_000);
    // It is answered until then.
    expect(await stores.mappings.readMany([key(a.digest)])).toHaveLength(1);
  });

  it('no longer expire when a tag points to them again, or they are published for their own sake', async () => {
    await publish(key('1.0'), a, 1);
    await publish(key('1.0'), b, 2);
    expect(await retire(a.digest)).toBe(true);
    await publish(key('1.0'), a, 3);
    expect(await expiryOf(a.digest)).toBeUndefined();
    expect(await retire(b.digest)).toBe(true);
    await publish(key(b.digest), b, 1);
    expect(await expiryOf(b.digest)).toBeUndefined();
    expect(await retire(b.digest)).toBe(false);
  });

  it('are kept whenever somebody maps a tag to them while they are being released', async () => {
    const held = mappingOf('contended');
    const steps = ['GetItemCommand', 'QueryCommand', 'UpdateItemCommand'];
    for (const [index, step] of steps.entries()) {
      await publish(key('old'), held, index * 2 + 1);
      await publish(key('old'), b, index * 2 + 2);
      let published = false;
      before = async (command) => {
        if (command !== step || published) return;
        published = true;
        await publish(key(`new-${index}`), held, 1);
      };
      await retire(held.digest);
      before = async () => {};
      expect(published, step).toBe(true);
      expect(await expiryOf(held.digest), step).toBeUndefined();
      // For the next round, nothing but `old` points to it.
      await publish(key(`new-${index}`), b, 2);
    }
  });

  it('keep their time when what belongs to them is recorded', async () => {
    await publish(key('1.0'), a, 1);
    await publish(key('1.0'), b, 2);
    await retire(a.digest);
    await stores.mappings.noteReferrers(key(a.digest), { copied: 1, missing: [] });
    expect(await expiryOf(a.digest)).toBe(later.getTime() / 1_000);
    expect(await stores.mappings.readMany([key(a.digest)])).toMatchObject([
      { mapping: { referrers: { copied: 1 } } },
    ]);
    // This does not create a digest that is not mapped.
    const unknown = mappingOf('unknown').digest;
    await stores.mappings.noteReferrers(key(unknown), { copied: 1, missing: [] });
    expect(await stores.mappings.readMany([key(unknown)])).toEqual([]);
  });
});
