import { setTimeout as sleep } from 'node:timers/promises';
import type { ImageIdentifier } from '@aws-sdk/client-ecr';
import { expect, vi } from 'vitest';
import { DynamoMappingStore } from '../../../core/aws/dynamodb/mappings/mapping-store.ts';
import { DynamoRetiringStore } from '../../../core/aws/dynamodb/mappings/retiring.ts';
import { openTable } from '../../../core/aws/dynamodb/table.ts';
import { enableBlobMounting } from '../../../core/aws/ecr/blob-mounting.ts';
import { EcrMirrorContents } from '../../../core/aws/ecr/retention/mirror-contents.ts';
import type { Config } from '../../../core/config/config.ts';
import { mirrorRepository } from '../../../core/policy/mirror-repository.ts';
import { cleanRepository } from '../../../core/retention/clean-repository.ts';
import { leastAgeMs } from '../../../core/retention/plan.ts';
import { mirrorEcr } from '../mirror-ecr.ts';
import { type ApiJob, type Pipeline, pipelineConfig } from '../pipeline.ts';
import { type SeededImage, seededImage } from '../seeded-image.ts';

/** Long enough for a rollback, and over soon. */
const historySeconds = 10;
const retention = { keepNewest: 0, unmappedForSeconds: 1 };
const image = (seed: string, size = 2_000) => seededImage({ seed, layers: [{ size }] });

/** A configuration that needs every function and every setting of repositories. */
export function everythingConfig(upstream: string, notifyUrl: string): Config {
  const config = pipelineConfig(upstream);
  const [ghcr, ...others] = config.upstreams;
  const usual = ghcr?.repositories.at(-1);
  if (!ghcr || !usual) throw new Error('no rule');
  const repositories = [
    { ...usual, match: 'acme/cleaned', retention },
    { ...usual, match: 'acme/scanned', require: { scan: { block: 'CRITICAL' as const, waitSeconds: 600 } } },
    ...ghcr.repositories,
  ];
  return {
    ...config,
    mirror: {
      ...config.mirror,
      historySeconds,
      repository: {
        ...config.mirror.repository,
        immutableTags: { except: ['*'] },
        pullAccounts: ['444455556666'],
        lifecycle: [
          {
            rulePriority: 1,
            selection: { tagStatus: 'any', countType: 'imageCountMoreThan', countNumber: 9_000 },
            action: { type: 'expire' },
          },
        ],
        tags: { team: 'platform' },
      },
    },
    notify: [
      { name: 'all', url: notifyUrl, secret: 'notify/ours', events: ['mirrored', 'failed', 'removed'] },
    ],
    upstreams: [{ ...ghcr, repositories }, ...others],
  };
}

/** Requests an image, as an operator does. */
async function request(pipeline: Pipeline, reference: string): Promise<string> {
  const answer = await pipeline.post('/v1/mirrors', { images: [reference] });
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
    }, 60_000);
  };
  // The mapping is published, removed and published again.
  await lose({ imageTag: '1' }, '1', 3);
  await lose({ imageDigest: manifest.digest }, '2', 3);
  ecr.close();
}

/** One job meets the upstream's limit, and another one waits until it ends. */
async function waitForLimit(pipeline: Pipeline): Promise<void> {
  for (const name of ['limited', 'waiting']) await pipeline.push(`acme/${name}`, '1', image(name));
  pipeline.upstream.faults.add({
    match: { path: '/acme/limited/manifests/', times: 1 },
    action: { kind: 'status', status: 429, headers: { 'retry-after': '25' } },
  });
  pipeline.upstream.clearRequests();
  await request(pipeline, 'ghcr.io/acme/limited:1');
  const statuses = () => pipeline.upstream.requests.map(({ status }) => status);
  await vi.waitFor(() => expect(statuses()).toContain(429), 20_000);
  // A worker believes for five seconds that the upstream is open (DynamoUpstreamGate).
  await sleep(6_000);
  const id = await request(pipeline, 'ghcr.io/acme/waiting:1');
  expect(await pipeline.jobIn(id, 'waiting', 'committed', 'failed')).toMatchObject({ state: 'waiting' });
  expect(await pipeline.jobIn(id, 'committed', 'failed')).toMatchObject({ state: 'committed' });
}

/** An image that is mapped after its scan, which begins by hand. */
async function waitForScan(pipeline: Pipeline): Promise<void> {
  const { scans } = pipeline.stack.registry;
  scans.outcomeOf = () => undefined;
  const scanned = image('scanned');
  await pipeline.push('acme/scanned', '1', scanned);
  const id = await request(pipeline, 'ghcr.io/acme/scanned:1');
  await pipeline.jobIn(id, 'waiting');
  const { digest } = scanned.manifest;
  scans.finish({ repository: 'mirror/ghcr.io/acme/scanned', digest }, { status: 'COMPLETE', counts: {} });
  await pipeline.jobIn(id, 'committed');
}

/** Settings that are not as configured are put right by a later comparison. */
async function keepSettings(pipeline: Pipeline): Promise<void> {
  const { functions } = pipeline.stack;
  await functions.reconcile.invoke({ time: new Date().toISOString() });
}

/**
 * Cleans up as the retention function does, and signs as it, on a day when the images are no longer
 * new.
 */
async function cleanUp(pipeline: Pipeline, config: Config): Promise<void> {
  await pipeline.mirror('acme/cleaned', '1', image('old'));
  await pipeline.mirror('acme/cleaned', '1', image('current'));
  await pipeline.stack.functions.retention.invoke({ time: new Date().toISOString() });
  await sleep((historySeconds + 1) * 1_000);
  const { environment, registry } = pipeline.stack;
  const client = {
    region: 'eu-west-1',
    credentials: { accessKeyId: 'retention', secretAccessKey: 'local' },
  };
  const table = openTable(environment.DRAYAGE_TABLE ?? '', {
    ...client,
    endpoint: environment.AWS_ENDPOINT_URL_DYNAMODB,
  });
  const contents = new EcrMirrorContents({ ...client, endpoint: registry.endpoint });
  const place = { registry: 'ghcr.io', repository: 'acme/cleaned' };
  const done = await cleanRepository(
    {
      place,
      mirrorRepository: mirrorRepository(config, place.registry, place.repository),
      retention,
      dryRun: false,
    },
    {
      config,
      mappings: new DynamoMappingStore(table, { historySeconds }),
      retiring: new DynamoRetiringStore(table),
      contents,
      owner: 'test',
      now: () => new Date(Date.now() + leastAgeMs),
    },
    { endsAt: Date.now() + 2 * leastAgeMs, signal: AbortSignal.timeout(60_000) },
  );
  contents.close();
  table.client.destroy();
  expect(done.images).toHaveLength(1);
}

/** What the API serves and changes. */
async function useApi(pipeline: Pipeline): Promise<void> {
  // A digest in its own right, which lists read in another way than tags.
  const { digest } = (await pipeline.mapping('ghcr.io/acme/large:1')) ?? {};
  const byDigest = `ghcr.io/acme/large@${digest}`;
  await pipeline.jobIn(await request(pipeline, byDigest), 'committed');
  const exported = async () => (await pipeline.get('/v1/exports/json?repository=acme/large')).text();
  await vi.waitFor(async () => expect(await exported()).toContain(byDigest), 60_000);
  for (const path of ['/v1/mappings', '/v1/jobs', '/v1/webhooks', '/v1/savings'])
    expect((await pipeline.get(path)).status).toBe(200);
  expect(await pipeline.mapping('ghcr.io/acme/app:1')).toBeDefined();
  expect((await pipeline.post('/v1/webhooks/github/rotate', {})).status).toBe(200);
}

/**
 * Puts every function to work: pushes, a moved tag, layers with jobs of their own, waiting jobs,
 * what the mirror loses, comparisons, deletions, notifications and the API.
 *
 * @param config what {@link everythingConfig} made
 */
export async function work(pipeline: Pipeline, config: Config): Promise<void> {
  const { registry } = pipeline.stack;
  // The custom resource is no function of the local stack: this is all that it asks of AWS.
  const credentials = { accessKeyId: 'blob-mounting', secretAccessKey: 'local' };
  await enableBlobMounting({ endpoint: registry.endpoint, region: 'eu-west-1', credentials });

  await pipeline.mirror('acme/app', '1', image('first'));
  await pipeline.mirror('acme/app', '1', image('second'));
  const rollback = { image: 'ghcr.io/acme/app:1', digest: image('first').manifest.digest };
  expect((await pipeline.post('/v1/mappings/rollback', rollback)).status).toBe(202);
  // Its layer is mounted from the other repository.
  await pipeline.mirror('acme/other', '1', image('first'));
  const large = seededImage({ seed: 'large', layers: [{ size: 90_000 }, { size: 80_000 }] });
  await pipeline.mirror('acme/large', '1', large);
  await waitForLimit(pipeline);
  await waitForScan(pipeline);
  for (const tag of ['1', '2']) await pipeline.mirror('acme/lost', tag, image('lost'));
  await loseImages(pipeline, image('lost'));
  await useApi(pipeline);
  await keepSettings(pipeline);
  await cleanUp(pipeline, config);
}
