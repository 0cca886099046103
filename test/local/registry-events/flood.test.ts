import {
  BatchDeleteImageCommand,
  CreateRepositoryCommand,
  ECRClient,
  type ImageIdentifier,
  UpdateImageStorageClassCommand,
} from '@aws-sdk/client-ecr';
import type { Context, SQSEvent } from 'aws-lambda';
import { expect, it, onTestFinished, vi } from 'vitest';
import { EcrMirrorImages } from '../../../core/aws/ecr/mirror-images.ts';
import type { QueuedMessage } from '../../../core/jobs/ports.ts';
import { publishMapping } from '../../../core/mapping/publish.ts';
import { eventBatchSize } from '../../../core/registry-events/ports.ts';
import { RegistryEventsDeployment } from '../../../lambda/registry-events/deployment.ts';
import { createHandler } from '../../../lambda/registry-events/handler.ts';
import { meter } from '../../../lambda/shared/metrics.ts';
import { logger } from '../../../lambda/shared/telemetry.ts';
import { type EmbeddedRegistry, type RegistryEvent, startRegistry } from '../../../local/ecr/server.ts';
import { keyOf, type LocalStores, mappingOf, resolveOf, startStores } from '../../support/local-stores.ts';
import { jobsConfig } from '../../support/mirror-jobs.ts';
import { pushImage, type SeededImage, seededImage } from '../../support/seeded-image.ts';
import { below, dice, pick } from '../../unit/webhooks/mutate.ts';

const region = 'eu-west-1';
const client = { region, credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
const repositories = ['library/a', 'library/b'];
const tags = Array.from({ length: 60 }, (_, n) => `${n}`);
const images = Array.from({ length: 40 }, (_, n) =>
  seededImage({ seed: `flood ${n}`, layers: [{ size: 100, seed: 'shared' }] }),
);
/** Losses and repairs, while events are delivered. */
const changes = 400;
const deliveries = 10_000;
const batchesAtOnce = 4;
const roll = dice(20_261_130);
const mirrorOf = (repository: string) => `mirror/docker.io/${repository}`;

/** A mirror registry, its mappings, and the function that works off its events. */
async function start() {
  const told: RegistryEvent[] = [];
  const registry = await startRegistry({
    flavour: 'ecr',
    events: (event) => {
      if (event.detail['action-type'] !== 'PUSH') told.push(event);
    },
  });
  const stores = await startStores();
  const ecr = new ECRClient({ endpoint: registry.endpoint, ...client });
  const lookUp = new EcrMirrorImages({ endpoint: registry.endpoint, ...client });
  onTestFinished(async () => {
    ecr.destroy();
    lookUp.close();
    await registry.stop();
    await stores.close();
  });
  for (const level of ['info', 'warn', 'error'] as const)
    vi.spyOn(logger, level).mockImplementation(() => {});
  vi.spyOn(meter, 'publish').mockImplementation(() => {});
  const queued: QueuedMessage[] = [];
  const queue = {
    send: async (messages: QueuedMessage[]) => {
      queued.push(...messages);
      return [];
    },
    hideFor: async () => {},
    remove: async () => {},
  };
  class TestDeployment extends RegistryEventsDeployment {
    override get mappings() {
      return stores.mappings;
    }
    override get jobs() {
      return stores.jobs;
    }
    override get queue() {
      return queue;
    }
    override get images() {
      return lookUp;
    }
    override get events() {
      return queue;
    }
  }
  const handler = createHandler(
    new TestDeployment({ DRAYAGE_CONFIG_JSON: JSON.stringify(jobsConfig), DRAYAGE_ACCOUNT: '000000000000' }),
  );
  const context = { getRemainingTimeInMillis: () => 90_000 } as Context;
  const work = async (events: unknown[]) => {
    const Records = events.map((event, n) => ({ body: JSON.stringify(event), messageId: `${n}` }));
    const answer = await handler({ Records } as unknown as SQSEvent, context);
    expect(answer).toEqual({ batchItemFailures: [] });
  };
  return { told, registry, stores, ecr, queued, work };
}

type Flood = Awaited<ReturnType<typeof start>>;

/** Mirrors an image: pushes it, and publishes what a job would. */
async function mirror(flood: { registry: EmbeddedRegistry; stores: LocalStores }, at: Place): Promise<void> {
  const { repository, tag, image } = at;
  const { registry, stores } = flood;
  const mirrorRepository = mirrorOf(repository);
  const key = keyOf(tag, repository);
  const { digest } = image.manifest;
  const { resolves } = await stores.mappings.beginResolve(key);
  const mapping = mappingOf('', { mirrorRepository, digest, sourceDigest: digest });
  await publishMapping(stores.mappings, {
    key,
    owner: 'test',
    resolve: resolveOf(mapping, resolves),
    mapping,
    moveTag: () =>
      pushImage(registry.endpoint, mirrorRepository, tag, image, { authorization: registry.authorization }),
  });
}

interface Place {
  repository: string;
  tag: string;
  image: SeededImage;
}

const somewhere = (): Place => ({
  repository: pick(roll, repositories),
  tag: pick(roll, tags),
  image: pick(roll, images),
});

/** Deletes a tag or an image, archives one, or mirrors one again. */
async function change(flood: Flood): Promise<void> {
  const { repository, tag, image } = somewhere();
  const repositoryName = mirrorOf(repository);
  const imageDigest = image.manifest.digest;
  const remove = (id: ImageIdentifier) =>
    flood.ecr.send(new BatchDeleteImageCommand({ repositoryName, imageIds: [id] }));
  const kind = below(roll, 8);
  if (kind < 3) await remove({ imageTag: tag });
  else if (kind < 5) await remove({ imageDigest });
  else if (kind < 6) {
    if (!flood.registry.hasManifest(repositoryName, imageDigest)) return;
    const archive = { repositoryName, imageId: { imageDigest }, targetStorageClass: 'ARCHIVE' as const };
    await flood.ecr.send(new UpdateImageStorageClassCommand(archive));
  } else await mirror(flood, { repository, tag, image });
}

/** The mapping says what the registry says. */
async function expectAgreement({ registry, stores, queued }: Flood): Promise<void> {
  const authorization = { authorization: registry.authorization };
  for (const repository of repositories) {
    const pullable = async (reference: string) => {
      const url = `${registry.endpoint}/v2/${mirrorOf(repository)}/manifests/${reference}`;
      const answer = await fetch(url, { method: 'HEAD', headers: authorization });
      return answer.headers.get('docker-content-digest') ?? undefined;
    };
    for (const tag of tags) {
      const mapping = (await stores.mappings.read(keyOf(tag, repository)))?.mapping;
      if (mapping) {
        expect(await pullable(tag), `${repository}:${tag}`).toBeDefined();
        expect(await pullable(mapping.digest), `${repository}:${tag}`).toBe(mapping.digest);
        const byDigest = await stores.mappings.read(keyOf(mapping.digest, repository));
        expect(byDigest?.mapping, `${repository}@${mapping.digest}`).toBeDefined();
      } else {
        const isQueued = queued.some(
          ({ body: { image } }) => image.repository === repository && image.reference === tag,
        );
        expect(isQueued, `${repository}:${tag} is queued again`).toBe(true);
      }
    }
    for (const { manifest } of images) {
      const { mapping } = (await stores.mappings.read(keyOf(manifest.digest, repository))) ?? {};
      if (mapping) expect(await pullable(manifest.digest), manifest.digest).toBe(manifest.digest);
    }
  }
}

it(`leaves the mapping what the registry is, after ${deliveries} events in any order, many of them twice`, {
  timeout: 900_000,
}, async () => {
  const flood = await start();
  for (const repository of repositories) {
    await flood.ecr.send(new CreateRepositoryCommand({ repositoryName: mirrorOf(repository) }));
    for (const tag of tags) await mirror(flood, { repository, tag, image: pick(roll, images) });
  }
  flood.told.length = 0;

  let left = deliveries;
  /** Everything that was told and not delivered often enough yet. */
  const waiting: RegistryEvent[] = [];
  const deliver = async () => {
    const batches = Array.from({ length: batchesAtOnce }, () =>
      Array.from({ length: Math.min(eventBatchSize, left) }, () => pick(roll, flood.told)),
    );
    left -= batches.flat().length;
    await Promise.all(batches.map(flood.work));
  };
  for (let n = 0; n < changes; n++) {
    await change(flood);
    if (n % 4 === 0 && flood.told.length > 0) await deliver();
  }
  // Each at least twice from here on, in any order.
  waiting.push(...flood.told, ...flood.told);
  while (left > waiting.length) await deliver();
  const last = waiting
    .map((event) => ({ event, at: roll() }))
    .sort((a, b) => a.at - b.at)
    .map(({ event }) => event);
  for (let from = 0; from < last.length; from += eventBatchSize)
    await flood.work(last.slice(from, from + eventBatchSize));
  await expectAgreement(flood);
});
