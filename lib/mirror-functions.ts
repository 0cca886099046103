import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { DeploymentSecrets } from './deployment-secrets.ts';
import type { ImageMirrorSettings } from './image-mirror-props.ts';
import type { LayerQueue } from './layer-queue.ts';
import type { MirrorQueue } from './mirror-queue.ts';
import type { MirrorTable } from './mirror-table.ts';
import { type RegistryEvents, registryEventsSeconds } from './registry-events.ts';
import { type FunctionDefaults, type FunctionName, ServiceFunction } from './service-function.ts';
import type { SnapshotBucket } from './snapshot-bucket.ts';

/** The functions that only some configurations need: their own constructs make them. */
export type OptionalFunction = Extract<FunctionName, 'notify' | 'retention' | 'blob-mounting'>;

/** The functions that every mirror has. */
export type MirrorFunctions = Readonly<Record<Exclude<FunctionName, OptionalFunction>, ServiceFunction>>;

/** What the functions work with. */
export interface MirrorFunctionsProps {
  /** What all functions share. */
  readonly defaults: FunctionDefaults;
  readonly settings: ImageMirrorSettings;
  /** The account of the stack. */
  readonly account: string;
  readonly table: MirrorTable;
  readonly queue: MirrorQueue;
  readonly layerQueue: LayerQueue;
  readonly registryEvents: RegistryEvents;
  readonly secrets: DeploymentSecrets;
  readonly snapshots: SnapshotBucket;
}

/**
 * Makes the functions that every mirror has: their memory, time limits and environments. What they
 * may do is in `mirror-permissions.ts`.
 *
 * Memory was chosen by what was measured of the bundles (bench/results/2026-12-01-cold-start.md,
 * 2026-11-30-mappings.md, 2026-11-30-reconcile.md, docs/decisions/0060): the peak with room for
 * V8's garbage, and the share of a processor that comes with it, 1,769 MB being one.
 *
 * @param scope the mirror; the functions' ids below it are part of their logical ids
 */
export function makeFunctions(
  scope: Construct,
  {
    defaults,
    settings,
    account,
    table,
    queue,
    layerQueue,
    registryEvents,
    secrets,
    snapshots,
  }: MirrorFunctionsProps,
): MirrorFunctions {
  const shared = {
    ...defaults.environment,
    DRAYAGE_TABLE: table.table.tableName,
    DRAYAGE_QUEUE_URL: queue.queue.queueUrl,
  };
  const copying = { ...shared, DRAYAGE_LAYER_QUEUE_URL: layerQueue.queue.queueUrl };
  const webhook = new ServiceFunction(scope, 'Webhook', {
    ...defaults,
    name: 'webhook',
    description: 'verifies webhooks and queues mirror jobs',
    // For many images in one delivery, or a slow queue; API Gateway waits 30 seconds.
    timeout: Duration.seconds(28),
    // It needs 110 MB; the rest is for its CPU share, 0.29. Senders give up after ten seconds or
    // less: a cold start has 0.5 s of CPU time, so 1.7 s at most, and a warm delivery 16 ms.
    memorySize: 512,
    ...(settings.webhookConcurrency !== undefined && {
      reservedConcurrency: settings.webhookConcurrency,
    }),
    environment: {
      ...shared,
      DRAYAGE_WEBHOOK_SECRET: secrets.webhooks.secretArn,
      // Images that it copies must not come back as events to be copied.
      DRAYAGE_ACCOUNT: account,
    },
  });
  const mirror = new ServiceFunction(scope, 'Mirror', {
    ...defaults,
    name: 'mirror',
    description: 'copies what an image lacks in the mirror',
    timeout: Duration.seconds(900),
    memorySize: settings.mirrorMemorySize,
    environment: { ...copying, DRAYAGE_FAN_OUT_BYTES: String(settings.fanOutBytes) },
  });
  const layer = new ServiceFunction(scope, 'Layer', {
    ...defaults,
    name: 'layer',
    description: 'copies one large layer of an image',
    timeout: Duration.seconds(900),
    memorySize: settings.mirrorMemorySize,
    environment: copying,
  });
  const api = new ServiceFunction(scope, 'Mapping', {
    ...defaults,
    name: 'api',
    description: 'answers where images are',
    // An export of 100,000 mappings that is made from the snapshot takes about 11 seconds.
    timeout: Duration.seconds(28),
    // Exports of 100,000 mappings need up to 330 MB.
    memorySize: 512,
    environment: {
      ...shared,
      DRAYAGE_API_SECRET: secrets.api.secretArn,
      // The operator gets the webhooks' secrets from it.
      DRAYAGE_WEBHOOK_SECRET: secrets.webhooks.secretArn,
      DRAYAGE_SNAPSHOT_BUCKET: snapshots.bucket.bucketName,
    },
  });
  const schedule = new ServiceFunction(scope, 'Reconcile', {
    ...defaults,
    name: 'schedule',
    description: 'queues the jobs that are due, and records those that crashed too often',
    timeout: Duration.seconds(60),
    // It needs 110 MB, and 35 ms of CPU time in a minute without work. With half of the CPU share
    // that would cost about the same, but the jobs that a long outage leaves are to be sent within
    // a minute.
    memorySize: 512,
    environment: {
      ...shared,
      DRAYAGE_DEAD_LETTER_QUEUE_URL: queue.deadLetterQueue.queueUrl,
      DRAYAGE_LAYER_DEAD_LETTER_QUEUE_URL: layerQueue.deadLetterQueue.queueUrl,
    },
  });
  const reconcile = new ServiceFunction(scope, 'ReconcileFunction', {
    ...defaults,
    name: 'reconcile',
    description: 'compares upstreams with the mirror and queues the difference',
    timeout: Duration.seconds(900),
    // The tags of a large repository are held in memory: 310 to 420 MB for 100,000 tags in 1,000
    // repositories, whose comparison takes 32 to 52 s of CPU time.
    memorySize: 1_024,
    environment: shared,
  });
  const events = new ServiceFunction(scope, 'RegistryEventsFunction', {
    ...defaults,
    name: 'registry-events',
    description: 'removes mappings of images that the mirror lost',
    timeout: Duration.seconds(registryEventsSeconds),
    // It needs 110 MB; the CPU share lets it work off the thousand events of a large deletion.
    memorySize: 512,
    environment: {
      ...shared,
      DRAYAGE_ACCOUNT: account,
      DRAYAGE_REGISTRY_EVENTS_QUEUE_URL: registryEvents.queue.queueUrl,
    },
  });
  const snapshot = new ServiceFunction(scope, 'Snapshot', {
    ...defaults,
    name: 'snapshot',
    description: 'stores the whole mapping as one object',
    timeout: Duration.seconds(900),
    // 310 MB for 100,000 mappings, which are streamed: more of them take longer, not more memory.
    memorySize: 512,
    ...(settings.reserveConcurrency && { reservedConcurrency: 1 }),
    environment: {
      ...defaults.environment,
      DRAYAGE_TABLE: table.table.tableName,
      DRAYAGE_SNAPSHOT_BUCKET: snapshots.bucket.bucketName,
    },
  });
  return { webhook, mirror, layer, api, schedule, reconcile, 'registry-events': events, snapshot };
}
