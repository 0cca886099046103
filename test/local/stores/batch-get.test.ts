import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { batchGet } from '../../../core/aws/dynamodb/batch-get.ts';
import { openTable, type Table } from '../../../core/aws/dynamodb/table.ts';

interface Keys {
  pk: { S: string };
  sk: { S: string };
}
type Answer = (keys: Keys[], response: ServerResponse) => void;

/** Answers calls as DynamoDB does, in whatever way a test wants. */
async function tableThat(answer: Answer): Promise<{ table: Table; stop(): Promise<void> }> {
  const server: Server = createServer(async (request, response) => {
    const { RequestItems } = (await json(request)) as { RequestItems: { table: { Keys: Keys[] } } };
    response.setHeader('content-type', 'application/x-amz-json-1.0');
    answer(RequestItems.table.Keys, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const table = openTable('table', {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  return {
    table,
    async stop() {
      table.client.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const found = (keys: Keys[]) => JSON.stringify({ Responses: { table: keys }, UnprocessedKeys: {} });
const throttled = (keys: Keys[]) =>
  JSON.stringify({ Responses: { table: [] }, UnprocessedKeys: { table: { Keys: keys } } });
const keysOf = (count: number) => Array.from({ length: count }, (_, n) => ({ pk: 'repo', sk: String(n) }));

describe('a read of many items', () => {
  let stop = async () => {};
  afterEach(() => stop());
  const open = async (answer: Answer) => {
    const opened = await tableThat(answer);
    stop = opened.stop;
    return opened.table;
  };

  it('asks for a thousand in one round trip: no answer comes before the last call', async () => {
    const waiting: (() => void)[] = [];
    const table = await open((keys, response) => {
      waiting.push(() => response.end(found(keys)));
      if (waiting.length === 10) for (const answer of waiting) answer();
    });
    expect(await batchGet(table, keysOf(1_000))).toHaveLength(1_000);
  });

  it('starts the next call when any one is done', async () => {
    let calls = 0;
    let held: (() => void) | undefined;
    const table = await open((keys, response) => {
      calls += 1;
      // The first is answered last of all.
      if (calls === 1) held = () => response.end(found(keys));
      else response.end(found(keys));
      if (calls === 25) held?.();
    });
    expect(await batchGet(table, keysOf(2_500))).toHaveLength(2_500);
  });

  it('asks again for what a throttled table left out, and for nothing twice', async () => {
    const asked: number[] = [];
    const table = await open((keys, response) => {
      asked.push(keys.length);
      response.end(asked.length === 1 ? throttled(keys) : found(keys));
    });
    expect(await batchGet(table, [...keysOf(3), ...keysOf(3)])).toEqual(keysOf(3));
    expect(asked).toEqual([3, 3]);
  });

  it.each([
    ['while it waits for a throttled table', throttled],
    ['while a call is in progress', undefined],
  ])('rejects with the reason of its signal %s', async (_, body) => {
    const controller = new AbortController();
    const reason = new Error('the caller has gone');
    const table = await open((keys, response) => {
      setTimeout(() => controller.abort(reason), 5);
      if (body) response.end(body(keys));
    });
    await expect(batchGet(table, keysOf(150), { signal: controller.signal })).rejects.toBe(reason);
  });
});
