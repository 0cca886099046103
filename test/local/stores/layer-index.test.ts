import { BatchGetCommand, GetCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { DynamoLayerIndex } from '../../../core/aws/dynamodb/layer-index.ts';
import { type Digest, digestOf } from '../../../core/oci/digest.ts';
import { type LocalStores, startStores } from '../../support/local-stores.ts';

describe('the layer index on DynamoDB', () => {
  let stores: LocalStores;
  let index: DynamoLayerIndex;
  let layers = 0;
  beforeAll(async () => {
    stores = await startStores();
    index = new DynamoLayerIndex(stores.table, 'eu-west-1');
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });
  afterAll(() => stores.close());
  const freshDigest = (): Digest => digestOf(Buffer.from(`layer ${++layers}`));
  const holders = async (digest: Digest) => (await index.find([digest])).get(digest)?.sort();
  const expiry = async (digest: Digest): Promise<number> => {
    const Key = { pk: `layer#eu-west-1#${digest}`, sk: 'holders' };
    const { Item } = await stores.table.client.send(new GetCommand({ TableName: stores.table.name, Key }));
    return Item?.expiresAt;
  };

  it('returns the repositories that hold a blob, and leaves out blobs that none holds', async () => {
    const [shared, own, unknown] = [freshDigest(), freshDigest(), freshDigest()];
    await index.add('mirror/a', [shared, own, own]);
    await index.add('mirror/b', [shared]);
    const found = await index.find([shared, own, unknown, shared]);
    expect(found.get(shared)?.sort()).toEqual(['mirror/a', 'mirror/b']);
    expect(found.get(own)).toEqual(['mirror/a']);
    expect(found.size).toBe(2);
  });

  it('asks nothing and answers nothing for no blobs', async () => {
    const send = vi.spyOn(stores.table.client, 'send');
    expect(await index.find([])).toEqual(new Map());
    await index.add('mirror/a', []);
    expect(send).not.toHaveBeenCalled();
  });

  it('stores and finds 250 blobs, a hundred per call', async () => {
    const digests = Array.from({ length: 250 }, freshDigest);
    await index.add('mirror/large', digests);
    const send = vi.spyOn(stores.table.client, 'send');
    const found = await index.find(digests);
    expect([...found.keys()].sort()).toEqual([...digests].sort());
    expect(new Set([...found.values()].flat())).toEqual(new Set(['mirror/large']));
    expect(send).toHaveBeenCalledTimes(3);
  });

  it('asks again for what a throttled table left out', async () => {
    const digests = Array.from({ length: 3 }, freshDigest);
    await index.add('mirror/throttled', digests);
    const send = stores.table.client.send.bind(stores.table.client);
    const asked: number[] = [];
    vi.spyOn(stores.table.client, 'send').mockImplementation((async (command: BatchGetCommand) => {
      const Keys = command.input.RequestItems?.[stores.table.name]?.Keys ?? [];
      asked.push(Keys.length);
      const RequestItems = { [stores.table.name]: { Keys: Keys.slice(0, 1), ConsistentRead: true } };
      const { Responses } = await send(new BatchGetCommand({ RequestItems }));
      const left = Keys.slice(1);
      return { Responses, UnprocessedKeys: left.length > 0 ? { [stores.table.name]: { Keys: left } } : {} };
    }) as never);
    expect([...(await index.find(digests)).keys()].sort()).toEqual([...digests].sort());
    expect(asked).toEqual([3, 2, 1]);
  });

  it('records eight holders; a ninth is ignored without an error', async () => {
    const digest = freshDigest();
    for (let i = 1; i <= 9; i++) await index.add(`mirror/${i}`, [digest]);
    expect(await holders(digest)).toEqual(Array.from({ length: 8 }, (_, i) => `mirror/${i + 1}`));
    // A holder that leaves makes room.
    await index.drop('mirror/3', digest);
    await index.add('mirror/9', [digest]);
    expect(await holders(digest)).toEqual(['1', '2', '4', '5', '6', '7', '8', '9'].map((n) => `mirror/${n}`));
  });

  it('never records more than eight, however many come at once', async () => {
    const digest = freshDigest();
    await Promise.all(Array.from({ length: 20 }, (_, i) => index.add(`mirror/${i}`, [digest])));
    expect(await holders(digest)).toHaveLength(8);
  });

  it('forgets a holder, and ignores what it does not know', async () => {
    const digest = freshDigest();
    await index.add('mirror/a', [digest]);
    await index.drop('mirror/other', digest);
    expect(await holders(digest)).toEqual(['mirror/a']);
    await index.drop('mirror/a', digest);
    expect(await holders(digest)).toBeUndefined();
    const unknown = freshDigest();
    await index.drop('mirror/a', unknown);
    expect(await expiry(unknown)).toBeUndefined();
    await index.add('mirror/b', [digest]);
    expect(await holders(digest)).toEqual(['mirror/b']);
  });

  it('keeps the regions apart', async () => {
    const digest = freshDigest();
    await index.add('mirror/a', [digest]);
    expect(await new DynamoLayerIndex(stores.table, 'us-east-1').find([digest])).toEqual(new Map());
  });

  it('keeps a blob for 180 days after it was last added, even by a holder that is already recorded', async () => {
    const digest = freshDigest();
    vi.spyOn(Date, 'now').mockReturnValue(1_700_000_000_000);
    await index.add('mirror/a', [digest]);
    expect(await expiry(digest)).toBe(1_700_000_000 + 180 * 86_400);
    vi.spyOn(Date, 'now').mockReturnValue(1_700_500_000_000);
    await index.add('mirror/a', [digest]);
    expect(await expiry(digest)).toBe(1_700_500_000 + 180 * 86_400);
    expect(await holders(digest)).toEqual(['mirror/a']);
  });

  it('ends when the signal aborts', async () => {
    await expect(index.find([freshDigest()], { signal: AbortSignal.abort() })).rejects.toThrow();
  });
});
