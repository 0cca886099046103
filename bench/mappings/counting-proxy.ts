import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { request as send } from 'undici';

/** What a table was asked since the counter was read last. */
export interface TableUse {
  /** Requests, by operation. */
  operations: Record<string, number>;
  /** Read and write units, as DynamoDB bills them. */
  reads: number;
  writes: number;
}

/** A DynamoDB endpoint that counts what passes through it. */
export interface CountingProxy extends AsyncDisposable {
  endpoint: string;
  /** What was counted since the last call. */
  take(): TableUse;
}

const writing = new Set(['PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem']);

interface Capacity {
  CapacityUnits?: number;
}

/** Starts a proxy that asks the table what every request consumes. */
export async function startCountingProxy(target: string): Promise<CountingProxy> {
  let use: TableUse = { operations: {}, reads: 0, writes: 0 };
  const server = createServer(async (request, response) => {
    const operation = String(request.headers['x-amz-target']).split('.')[1] ?? '';
    const body = JSON.parse((await buffer(request)).toString('utf8'));
    // The emulator checks no signature of the body.
    const answer = await send(target, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': String(request.headers['x-amz-target']),
        'x-amz-date': String(request.headers['x-amz-date']),
        authorization: String(request.headers.authorization),
      },
      body: JSON.stringify({ ...body, ReturnConsumedCapacity: 'TOTAL' }),
    });
    const { ConsumedCapacity, ...rest } = (await answer.body.json()) as {
      ConsumedCapacity?: Capacity | Capacity[];
    };
    const units = [ConsumedCapacity ?? []]
      .flat()
      .reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0);
    use.operations[operation] = (use.operations[operation] ?? 0) + 1;
    if (writing.has(operation)) use.writes += units;
    else use.reads += units;
    response
      .writeHead(answer.statusCode, { 'content-type': 'application/x-amz-json-1.0' })
      .end(JSON.stringify(rest));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    take() {
      const taken = use;
      use = { operations: {}, reads: 0, writes: 0 };
      return taken;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}
