import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { CreateTableCommand, DynamoDBClient, ResourceInUseException } from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { checkDatabase } from './level.ts';

export interface LocalTable {
  endpoint: string;
  name: string;
  stop(): Promise<void>;
}

/**
 * Starts the DynamoDB emulator with the one table.
 *
 * @param directory keeps the data across restarts; absent: in memory.
 * @throws Error if the data in the directory can't be opened.
 */
export async function startTable(region: string, directory?: string): Promise<LocalTable> {
  if (directory !== undefined) await checkDatabase(directory);
  const server = dynalite({ createTableMs: 0, ...(directory === undefined ? {} : { path: directory }) });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const name = 'drayage';
  const client = new DynamoDBClient({
    endpoint,
    region,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  try {
    await client.send(
      new CreateTableCommand({
        TableName: name,
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
        AttributeDefinitions: [
          { AttributeName: 'pk', AttributeType: 'S' },
          { AttributeName: 'sk', AttributeType: 'S' },
        ],
      }),
    );
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error; // created by an earlier start
  } finally {
    client.destroy();
  }
  return {
    endpoint,
    name,
    stop: () =>
      new Promise((resolve, reject) => {
        server.close((error?: Error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}
