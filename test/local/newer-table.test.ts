import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { schemaKey } from '../../core/aws/dynamodb/schema/state.ts';
import { openTable, queryPages, type Table } from '../../core/aws/dynamodb/table.ts';
import { type Pipeline, startPipeline } from '../support/pipeline.ts';
import { seededImage } from '../support/seeded-image.ts';

let pipeline: Pipeline;
let table: Table;
const image = seededImage({ seed: 'newer table', layers: [{ size: 3_000 }] });

beforeAll(async () => {
  pipeline = await startPipeline();
  const { environment } = pipeline.stack;
  table = openTable(environment.DRAYAGE_TABLE ?? '', {
    endpoint: environment.AWS_ENDPOINT_URL_DYNAMODB ?? '',
    region: 'eu-west-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
});
afterAll(async () => {
  table.client.destroy();
  await pipeline[Symbol.asyncDispose]();
});

it('a release that meets a newer table accepts nothing, keeps answering, and says what to do', async () => {
  // As a later release leaves it.
  await table.client.send(new PutCommand({ TableName: table.name, Item: { ...schemaKey, version: 2 } }));
  await pipeline.push('acme/shop', '1.0', image);
  const refused = await pipeline.github('acme/shop', '1.0');
  expect(refused.status).toBe(503);
  expect(await refused.json()).toMatchObject({ error: { code: 'not_queued' } });
  const asked = await pipeline.post('/v1/mirrors', { images: ['ghcr.io/acme/shop:1.0'] });
  expect(asked.status).toBeGreaterThanOrEqual(500);
  expect((await pipeline.get('/v1/mappings?registry=ghcr.io')).status).toBe(200);
  expect(pipeline.logs()).toContain(
    'this release of Drayage only knows versions up to 1; nothing was written',
  );
  for await (const page of queryPages(table, {
    KeyConditionExpression: 'pk = :pk',
    ExpressionAttributeValues: { ':pk': 'repo#ghcr.io/acme/shop' },
  }))
    expect(page).toEqual([]);
});
