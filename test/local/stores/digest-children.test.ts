import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { inParallel } from '../../../core/async/in-parallel.ts';
import { retireChildren } from '../../../core/aws/dynamodb/mappings/digest-children.ts';
import { publishMapping } from '../../../core/mapping/publish.ts';
import type { ImageKey, MappingRecord } from '../../../core/mapping/record.ts';
import { keyOf, type LocalStores, mappingOf, resolveOf, startStores } from '../../support/local-stores.ts';

describe('the manifests below a mapped index', () => {
  let stores: LocalStores;
  let repository = '';
  let count = 0;
  /** Called before each request with the name of its command and what it updates. */
  let before: (command: string, expression: string) => Promise<void> = async () => {};
  beforeAll(async () => {
    stores = await startStores();
    stores.table.client.middlewareStack.add(
      (next, context) => async (args) => {
        const { UpdateExpression = '' } = args.input as { UpdateExpression?: string };
        await before(String(context.commandName), UpdateExpression);
        return await next(args);
      },
      { step: 'initialize' },
    );
  });
  beforeEach(() => {
    repository = `library/app-${++count}`;
    before = async () => {};
  });
  afterAll(() => stores.close());

  const key = <R extends string>(reference: R) => keyOf(reference, repository);
  const [x, y, shared] = [mappingOf('child x'), mappingOf('child y'), mappingOf('shared child')];
  const [a, b, c] = [mappingOf('index a'), mappingOf('index b'), mappingOf('index c')];
  const publish = (tag: string, mapping: MappingRecord, resolve: number, children: MappingRecord[]) =>
    publishMapping(stores.mappings, {
      key: key(tag),
      owner: 'job',
      mapping,
      children,
      resolve: resolveOf(mapping, resolve),
      moveTag: async () => {},
    });
  it('stay when more indexes name them than are noted', { timeout: 240_000 }, async () => {
    const indexes = Array.from({ length: 505 }, (_, n) => mappingOf(`index ${n}`));
    await inParallel(indexes, 20, ({ digest }) => stores.mappings.putChildren(key(digest), [shared]));
    const sk = `digest#${shared.digest}`;
    const parents = async () => {
      const Key = { pk: `repo#docker.io/${repository}`, sk };
      const { name: TableName, client } = stores.table;
      return (await client.send(new GetCommand({ TableName, Key, ConsistentRead: true }))).Item?.parents;
    };
    expect((await parents()).size).toBe(501);
    // All that are noted go, and one that is not.
    const place = { pk: `repo#docker.io/${repository}` };
    const update = (sort: string, UpdateExpression: string, ExpressionAttributeValues: object) =>
      stores.table.client.send(
        new UpdateCommand({
          TableName: stores.table.name,
          Key: { ...place, sk: sort },
          UpdateExpression,
          ExpressionAttributeValues: { ...ExpressionAttributeValues },
        }),
      );
    const known = new Set(indexes.map(({ digest }) => digest));
    await update(sk, 'DELETE parents :known', { ':known': known });
    const [{ digest } = shared] = indexes;
    const expiresAt = Math.floor(Date.now() / 1_000) + 60;
    await update(`digest#${digest}`, 'SET expiresAt = :at', { ':at': expiresAt });
    const children = [shared.digest];
    await retireChildren(stores.table, key(digest), { children, tagged: new Set(), expiresAt });
    expect([...(await parents())]).toEqual(['more']);
    expect(await expires(shared)).toBe(false);
  });

  const isMapped = async (at: ImageKey) => (await stores.mappings.readMany([at])).length === 1;
  const expires = async ({ digest }: MappingRecord): Promise<boolean> => {
    const { Item } = await stores.table.client.send(
      new GetCommand({
        TableName: stores.table.name,
        Key: { pk: `repo#docker.io/${repository}`, sk: `digest#${digest}` },
        ConsistentRead: true,
      }),
    );
    return Item?.expiresAt !== undefined;
  };
  const retire = ({ digest }: MappingRecord) =>
    stores.mappings.retireDigest(key(digest), new Date('2026-05-01T00:00:00.000Z'));

  it('are mapped by their digests, and not listed', async () => {
    await publish('1.0', a, 1, [x, shared]);
    for (const { digest } of [a, x, shared]) expect(await isMapped(key(digest))).toBe(true);
    const { mappings } = await stores.mappings.list({ registry: 'docker.io', repository, limit: 10 });
    expect(mappings.map(({ key: { reference } }) => reference)).toEqual(['1.0']);
  });

  it('expire with the index, except those that another index names', async () => {
    await publish('1.0', a, 1, [x, shared]);
    await publish('2.0', b, 1, [y, shared]);
    await publish('1.0', c, 2, []);
    expect(await retire(a)).toBe(true);
    expect([await expires(a), await expires(x), await expires(shared)]).toEqual([true, true, false]);
    await publish('2.0', c, 2, []);
    expect(await retire(b)).toBe(true);
    expect(await expires(shared)).toBe(true);
  });

  it('do not expire while a tag points to one of them', async () => {
    await publish('1.0', a, 1, [x]);
    await publish('1.0-amd64', x, 1, []);
    await publish('1.0', c, 2, []);
    await retire(a);
    expect(await expires(x)).toBe(false);
    await publish('1.0-amd64', c, 2, []);
    expect(await retire(x)).toBe(true);
  });

  it('are kept when their index is mapped again', async () => {
    await publish('1.0', a, 1, [x]);
    await publish('1.0', b, 2, [y]);
    await retire(a);
    expect(await expires(x)).toBe(true);
    // As a rollback does: it does not know the children.
    await stores.mappings.putDigest(key(a.digest), a);
    await stores.mappings.putChildren(key(a.digest), undefined);
    expect([await expires(a), await expires(x)]).toEqual([false, false]);
  });

  it('are kept whenever their index is mapped again while it is being released', async () => {
    const steps = ['SET expiresAt', 'DELETE parents', 'SET expiresAt 2', 'Get'];
    for (const [index, step] of steps.entries()) {
      const [root, child] = [mappingOf(`contended ${index}`), mappingOf(`child ${index}`)];
      await publish('old', root, index * 2 + 1, [child]);
      await publish('old', c, index * 2 + 2, []);
      let seen = 0;
      let published = false;
      before = async (command, expression) => {
        const wanted = step.startsWith('Get')
          ? command === 'GetItemCommand'
          : expression.startsWith(step.slice(0, 13));
        seen += wanted ? 1 : 0;
        if (published || !wanted || (step.endsWith('2') && seen < 2)) return;
        published = true;
        await publish(`new-${index}`, root, 1, [child]);
      };
      await retire(root);
      before = async () => {};
      expect(published, step).toBe(true);
      expect([await expires(root), await expires(child)], step).toEqual([false, false]);
    }
  });

  it('are removed if the mirror has lost them, unless they were mapped again meanwhile', async () => {
    await publish('1.0', a, 1, [x]);
    const { claim } = (await stores.mappings.read(key(x.digest))) ?? {};
    await publish('2.0', b, 1, [x]);
    expect(await stores.mappings.unmapDigest(key(x.digest), claim)).toBe(false);
    const now = (await stores.mappings.read(key(x.digest)))?.claim;
    expect(await stores.mappings.unmapDigest(key(x.digest), now)).toBe(true);
    expect(await isMapped(key(x.digest))).toBe(false);
    await publish('3.0', mappingOf('index d'), 1, [x]);
    expect(await isMapped(key(x.digest))).toBe(true);
  });
});
