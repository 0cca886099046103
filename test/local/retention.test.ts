import { setTimeout as sleep } from 'node:timers/promises';
import { BatchGetImageCommand, ECRClient, PutImageCommand } from '@aws-sdk/client-ecr';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DynamoMappingStore } from '../../core/aws/dynamodb/mappings/mapping-store.ts';
import { DynamoRetiringStore } from '../../core/aws/dynamodb/mappings/retiring.ts';
import { openTable } from '../../core/aws/dynamodb/table.ts';
import { EcrMirrorContents } from '../../core/aws/ecr/retention/mirror-contents.ts';
import type { Config } from '../../core/config/config.ts';
import { mirrorRepository } from '../../core/policy/mirror-repository.ts';
import { cleanRepository } from '../../core/retention/clean-repository.ts';
import { leastAgeMs } from '../../core/retention/plan.ts';
import { drayage } from '../support/drayage.ts';
import { type Pipeline, pipelineConfig, startPipeline } from '../support/pipeline.ts';
import { seededImage, seededIndex } from '../support/seeded-image.ts';

const image = (seed: string) => seededImage({ seed, layers: [{ size: 1_000 }] });
const index = (seed: string) =>
  seededIndex({
    seed,
    layers: [{ size: 1_000 }],
    platforms: [
      { os: 'linux', architecture: 'amd64' },
      { os: 'linux', architecture: 'arm64' },
    ],
  });

/** One rule lets images go as soon as their history is over; the others keep everything. */
function configure(endpoint: string): Config {
  const config = pipelineConfig(endpoint);
  const [upstream] = config.upstreams;
  const usual = upstream?.repositories.at(-1);
  if (!upstream || !usual) throw new Error('no rule');
  const retention = { keepNewest: 0, unmappedForSeconds: 1 };
  const cleaned = { ...usual, match: 'acme/cleaned', retention };
  const mirror = { ...config.mirror, historySeconds: 1 };
  return { ...config, mirror, upstreams: [{ ...upstream, repositories: [cleaned, usual] }] };
}

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await startPipeline({ configure });
});
afterAll(() => pipeline?.[Symbol.asyncDispose]());

const place = { registry: 'ghcr.io', repository: 'acme/cleaned' };

/** Cleans up as the function does, on a day when the images are no longer new. */
async function clean(dryRun: boolean) {
  const { environment, registry } = pipeline.stack;
  const client = { region: 'eu-west-1', credentials: { accessKeyId: 'retention', secretAccessKey: 'x' } };
  const table = openTable(environment.DRAYAGE_TABLE ?? '', {
    ...client,
    endpoint: environment.AWS_ENDPOINT_URL_DYNAMODB,
  });
  const contents = new EcrMirrorContents({ ...client, endpoint: registry.endpoint });
  const config = configure(pipeline.upstream.endpoint);
  try {
    return await cleanRepository(
      {
        place,
        mirrorRepository: mirrorRepository(config, place.registry, place.repository),
        retention: { keepNewest: 0, unmappedForSeconds: 1 },
        dryRun,
      },
      {
        config,
        mappings: new DynamoMappingStore(table, { historySeconds: 1 }),
        retiring: new DynamoRetiringStore(table),
        contents,
        owner: 'test',
        now: () => new Date(Date.now() + leastAgeMs),
      },
      { endsAt: Date.now() + 2 * leastAgeMs, signal: AbortSignal.timeout(60_000) },
    );
  } finally {
    contents.close();
    table.client.destroy();
  }
}

/** Gives an image a tag in the mirror that Drayage knows nothing of. */
async function tagByHand(imageDigest: string): Promise<void> {
  const credentials = { accessKeyId: 'operator', secretAccessKey: 'x' };
  const { endpoint } = pipeline.stack.registry;
  const ecr = new ECRClient({ endpoint, region: 'eu-west-1', credentials });
  const repositoryName = 'mirror/ghcr.io/acme/cleaned';
  const { images = [] } = await ecr.send(
    new BatchGetImageCommand({ repositoryName, imageIds: [{ imageDigest }] }),
  );
  const [found] = images;
  await ecr.send(
    new PutImageCommand({
      repositoryName,
      imageManifest: found?.imageManifest,
      imageManifestMediaType: found?.imageManifestMediaType,
      imageTag: 'by-hand',
    }),
  );
  ecr.destroy();
}

async function pulls(reference: string): Promise<number> {
  const { registry } = pipeline.stack;
  const answer = await fetch(`${registry.endpoint}/v2/mirror/ghcr.io/acme/cleaned/manifests/${reference}`, {
    headers: { accept: '*/*' },
  });
  return answer.status;
}

it('deletes what no tag points to any more, and nothing that is mapped, pinned or tagged by others', async () => {
  const [old, pinned, current] = [index('old'), image('pinned'), index('current')];
  const [byHand, after] = [image('by hand'), image('after')];
  await pipeline.mirror('acme/cleaned', '1', old);
  await pipeline.mirror('acme/cleaned', 'pinned', pinned);
  await pipeline.post('/v1/mappings/pin', { image: 'ghcr.io/acme/cleaned:pinned' });
  expect((await pipeline.mirror('acme/cleaned', '1', current)).state).toBe('committed');
  await pipeline.mirror('acme/cleaned', '2', byHand);
  await tagByHand(byHand.manifest.digest);
  await pipeline.mirror('acme/cleaned', '2', after);
  // The history, and the time for which the digest can still be looked up, are a second.
  await sleep(2_500);

  const told = await clean(true);
  expect(told.images.map(({ digest }) => digest)).toContain(old.manifest.digest);
  expect(await pulls(old.manifest.digest)).toBe(200);
  const done = await clean(false);
  expect(done.images.map(({ digest }) => digest).sort()).toEqual(
    told.images.map(({ digest }) => digest).sort(),
  );
  expect(done).toMatchObject({ bytes: told.bytes, isCut: false, kept: { mapped: 3, tag: 1 } });
  expect(done.failed).toBeUndefined();
  expect(await pulls(old.manifest.digest)).toBe(404);
  for (const child of old.children) expect(await pulls(child.manifest.digest)).toBe(404);
  for (const digest of [current.manifest.digest, pinned.manifest.digest])
    expect(await pulls(digest)).toBe(200);
  for (const child of current.children) expect(await pulls(child.manifest.digest)).toBe(200);
  expect((await clean(false)).images).toEqual([]);
  expect(await pulls('by-hand')).toBe(200);

  // What was deleted can be mirrored again.
  expect((await pipeline.mirror('acme/cleaned', 'back', old)).state).toBe('committed');
  expect(await pulls('back')).toBe(200);
});

it('is what drayage prune asks for, and tells', async () => {
  await pipeline.mirror('acme/cleaned', 'cli', image('cli'));
  const prune = drayage(['prune', 'ghcr.io/acme/cleaned', '--json', '--api', pipeline.api]);
  // The function runs each minute.
  const until = Date.now() + 60_000;
  const asked = { isDone: false };
  prune.finally(() => {
    asked.isDone = true;
  });
  while (!asked.isDone && Date.now() < until) {
    await pipeline.stack.functions.retention.invoke({ time: new Date().toISOString() });
    await sleep(300);
  }
  const { code, stdout } = await prune;
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    dryRun: true,
    totals: { repositories: 1, images: 0, failed: 0 },
    repositories: [
      { repository: 'ghcr.io/acme/cleaned', mirrorRepository: 'mirror/ghcr.io/acme/cleaned', count: 0 },
    ],
  });
  const refused = await drayage(['prune', 'ghcr.io/acme/kept', '--api', pipeline.api]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('no `retention`');
  expect(refused.stderr).toContain('write retention into its rule in mirror.yaml');
});

it('is refused for what has no retention, and for what is no repository', async () => {
  const asked = async (body: unknown) => {
    const answer = await pipeline.post('/v1/retention', body);
    const { error } = (await answer.json()) as { error?: { code: string } };
    return [answer.status, error?.code];
  };
  expect(await asked({ repository: 'ghcr.io/acme/kept' })).toEqual([403, 'not_configured']);
  expect(await asked({ repository: 'quay.io/acme/cleaned' })).toEqual([403, 'not_configured']);
  expect(await asked({ repository: 'ghcr.io/acme/cleaned:1' })).toEqual([400, 'invalid_reference']);
  expect(await asked({ dryRun: 'no' })).toEqual([400, 'invalid_request']);
  expect((await pipeline.get('/v1/retention/unknown')).status).toBe(404);
});
