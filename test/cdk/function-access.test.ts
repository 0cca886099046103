import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import type { ImageIdentifier } from '@aws-sdk/client-ecr';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { mirrorEcr } from '../support/mirror-ecr.ts';
import { type ApiJob, type Pipeline, startPipeline } from '../support/pipeline.ts';
import { type SeededImage, seededImage } from '../support/seeded-image.ts';
import { functionNames, mirrorTemplate, statementsOf } from './mirror-template.ts';

/** How the services name themselves in `x-amz-target` and in policies. */
const services: Record<string, string> = {
  DynamoDB_20120810: 'dynamodb',
  AmazonSQS: 'sqs',
  AmazonEC2ContainerRegistry_V20150921: 'ecr',
  secretsmanager: 'secretsmanager',
  AWSEvents: 'events',
};
/**
 * A batch of messages needs the permission of one:
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
 */
const actionOf = (service: string, operation: string) =>
  `${service}:${service === 'sqs' ? operation.replace(/Batch$/, '') : operation}`;

/**
 * What each function asked of AWS while the pipeline ran. The functions of the local stack sign as
 * themselves.
 */
const asked = new Map<string, Set<string>>(functionNames.map((name) => [name, new Set()]));

function note(message: unknown): void {
  const { headers, method = '' } = (message as { request: IncomingMessage }).request;
  const [prefix = '', operation = ''] = String(headers['x-amz-target'] ?? '').split('.');
  const service = services[prefix];
  const [, signer = '', scope] =
    /Credential=([^/]+)\/\d+\/[^/]+\/([^/]+)\//.exec(headers.authorization ?? '') ?? [];
  if (service !== undefined) asked.get(signer)?.add(actionOf(service, operation));
  if (scope === 's3') for (const action of objectActions(method)) asked.get(signer)?.add(action);
}

/**
 * What a request for an object needs; HEAD tells whether it is there. A put that replaces an object
 * reads its tag.
 */
function objectActions(method: string): string[] {
  if (method === 'PUT') return ['s3:PutObject', 's3:GetObject'];
  return method === 'HEAD' ? ['s3:GetObject', 's3:ListBucket'] : ['s3:GetObject'];
}

/** Requests an image, as an operator does. */
async function request(pipeline: Pipeline, image: string): Promise<string> {
  const answer = await pipeline.post('/v1/mirrors', { images: [image] });
  const { jobs } = (await answer.json()) as { jobs: ApiJob[] };
  return jobs[0]?.id ?? '';
}

/** Loses a tag and an image in the mirror, and waits until they are mirrored again. */
async function loseImages(pipeline: Pipeline, { manifest }: SeededImage): Promise<void> {
  const ecr = mirrorEcr(pipeline);
  const lose = async (imageId: ImageIdentifier, tag: string, revision: number) => {
    await ecr.remove('mirror/ghcr.io/acme/lost', imageId);
    await vi.waitFor(async () => {
      expect((await pipeline.mapping(`ghcr.io/acme/lost:${tag}`))?.revision).toBe(revision);
    }, 20_000);
  };
  // The mapping is published, removed and published again.
  await lose({ imageTag: '1' }, '1', 3);
  await lose({ imageDigest: manifest.digest }, '2', 3);
  ecr.close();
}

/**
 * Puts every function to work: pushes, a moved tag, layers with jobs of their own, a waiting job,
 * and the API.
 */
async function work(pipeline: Pipeline): Promise<void> {
  const image = (seed: string, size = 2_000) => seededImage({ seed, layers: [{ size }] });
  await pipeline.mirror('acme/app', '1', image('first'));
  await pipeline.mirror('acme/app', '1', image('second'));
  const large = seededImage({ seed: 'large', layers: [{ size: 90_000 }, { size: 80_000 }] });
  await pipeline.mirror('acme/large', '1', large);

  // One job meets the limit, and another one waits until it ends.
  for (const name of ['limited', 'waiting']) await pipeline.push(`acme/${name}`, '1', image(name));
  pipeline.upstream.clearRequests();
  pipeline.upstream.faults.add({
    match: { path: '/acme/limited/manifests/', times: 1 },
    action: { kind: 'status', status: 429, headers: { 'retry-after': '4' } },
  });
  await request(pipeline, 'ghcr.io/acme/limited:1');
  const statuses = () => pipeline.upstream.requests.map(({ status }) => status);
  await vi.waitFor(() => expect(statuses()).toContain(429), 5_000);
  const id = await request(pipeline, 'ghcr.io/acme/waiting:1');
  expect(await pipeline.jobIn(id, 'waiting', 'committed', 'failed')).toMatchObject({ state: 'waiting' });
  expect(await pipeline.jobIn(id, 'committed', 'failed')).toMatchObject({ state: 'committed' });

  // A digest in its own right, which lists read in another way than tags.
  const { digest } = (await pipeline.mapping('ghcr.io/acme/large:1')) ?? {};
  const byDigest = `ghcr.io/acme/large@${digest}`;
  await pipeline.jobIn(await request(pipeline, byDigest), 'committed');
  const exported = async () => (await pipeline.get('/v1/exports/json?repository=acme/large')).text();
  await vi.waitFor(async () => expect(await exported()).toContain(byDigest), 20_000);

  for (const path of ['/v1/mappings', '/v1/jobs', '/v1/webhooks'])
    expect((await pipeline.get(path)).status).toBe(200);
  expect(await pipeline.mapping('ghcr.io/acme/app:1')).toBeDefined();
  expect((await pipeline.post('/v1/webhooks/github/rotate', {})).status).toBe(200);
  for (const tag of ['1', '2']) await pipeline.mirror('acme/lost', tag, image('lost'));
  await loseImages(pipeline, image('lost'));
  const rollback = { image: 'ghcr.io/acme/app:1', digest: image('first').manifest.digest };
  expect((await pipeline.post('/v1/mappings/rollback', rollback)).status).toBe(202);
  await pipeline.stack.functions.reconcile.invoke({ time: new Date().toISOString() });
}

describe('what the functions ask of AWS', () => {
  const template = mirrorTemplate();
  const grantedTo = (name: string) => statementsOf(template, name).flatMap(({ actions }) => actions);
  let pipeline: Pipeline;
  beforeAll(async () => {
    subscribe('http.server.request.start', note);
    pipeline = await startPipeline({ fanOutBytes: 50_000, scheduleMs: 200 });
    await work(pipeline);
  });
  afterAll(async () => {
    unsubscribe('http.server.request.start', note);
    await pipeline?.[Symbol.asyncDispose]();
  });

  it.each(functionNames)('%s: all of it is granted', (name) => {
    const requests = [...(asked.get(name) ?? [])];
    expect(requests).toContainEqual(expect.stringMatching(/^dynamodb:/));
    if (['api', 'snapshot'].includes(name)) expect(requests).toContain('s3:GetObject');
    expect(requests.filter((action) => !grantedTo(name).includes(action))).toEqual([]);
  });

  it('is all that they may do with the table, except for what uploads in parts and later watches need', () => {
    const unused = functionNames.flatMap((name) =>
      grantedTo(name)
        .filter((action) => action.startsWith('dynamodb:') && !asked.get(name)?.has(action))
        .map((action) => `${name} ${action}`),
    );
    // A job's watch is put again ten minutes after it was recorded
    // (test/local/jobs/resend.test.ts). Jobs that are older than that are counted in batches
    // (test/local/stores).
    expect(unused).toEqual([
      'mirror dynamodb:DeleteItem',
      'schedule dynamodb:BatchGetItem',
      'schedule dynamodb:PutItem',
    ]);
  });
});
