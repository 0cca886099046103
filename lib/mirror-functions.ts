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
    memorySize: 512,
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
    // The tags of a large repository are held in memory.
    memorySize: 1_024,
    environment: shared,
  });
  const events = new ServiceFunction(scope, 'RegistryEventsFunction', {
    ...defaults,
    name: 'registry-events',
    description: 'removes mappings of images that the mirror lost',
    timeout: Duration.seconds(registryEventsSeconds),
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
