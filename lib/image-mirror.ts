import { Duration, Stack, Token } from 'aws-cdk-lib';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Construct } from 'constructs';
import { mirrorBatchSize } from '../core/jobs/ports.ts';
import { isLiteral } from '../core/reconcile/coverage.ts';
import { hasRetention } from '../core/retention/pass.ts';
import { BlobMounting } from './blob-mounting.ts';
import { DeploymentSecrets } from './deployment-secrets.ts';
import { EcrEvents } from './ecr-events.ts';
import { grantEvents } from './event-bus.ts';
import { type ImageMirrorProps, resolveProps } from './image-mirror-props.ts';
import { LayerQueue } from './layer-queue.ts';
import { MinuteSchedule } from './minute-schedule.ts';
import { MirrorAlarms } from './mirror-alarms.ts';
import { MirrorApi } from './mirror-api.ts';
import { MirrorQueue } from './mirror-queue.ts';
import { MirrorTable } from './mirror-table.ts';
import { Notifications } from './notifications.ts';
import {
  grantMirrorAccess,
  grantMirrorLook,
  grantMirrorSettings,
  grantRepositoryList,
  layerActions,
  mirrorActions,
} from './registry-access.ts';
import { RegistryEvents, registryEventsSeconds } from './registry-events.ts';
import { Retention } from './retention.ts';
import { type FunctionName, ServiceFunction } from './service-function.ts';
import { grantSigningKeys } from './signing-keys.ts';
import { SnapshotBucket } from './snapshot-bucket.ts';
import { grantUpstreamCredentials } from './upstream-credentials.ts';

/**
 * The table's items that the webhook function reads and writes: `core/aws/dynamodb/table.ts` lists
 * them.
 */
const webhookItems = { keys: ['jobs#*', 'parked#*', 'webhooks'] };
/**
 * The table's items that the registry-events function reads to see what is mapped, and writes to
 * remove mappings and to record jobs.
 */
const mappedItems = { keys: ['repo#*', 'mirrors'] };
const removalItems = { keys: ['repo#*', 'history#*', 'snapshot', 'jobs#*', 'parked#*'] };
/**
 * A tag's item also holds its mapping: only the count of its events is changed, and nothing else is
 * returned.
 */
const countedTags = { keys: ['repo#*'], attributes: ['events', 'lastJob'] };

/** When upstreams are compared with the mirror. */
const roundItems = { keys: ['reconcile', 'reconcile#*'] };

/** What lists of mappings are made of, and how often they have changed. */
const listedItems = { keys: ['repo#*', 'repos', 'registries', 'snapshot'] };

/** The functions that only some configurations and settings need. */
type OptionalFunction = Extract<FunctionName, 'notify' | 'retention' | 'blob-mounting'>;

/**
 * An image mirror: webhooks come in, images are copied into the ECR registry of the stack's region
 * and account, and the mapping API tells where they are.
 *
 *     HTTP API ──▶ webhook function ──▶ mirror queue ──▶ mirror function ──▶ ECR
 *        │                                  ▲   ▲              │ large layers  ▲
 *        │                                  │   └──────── layer queue ──▶ layer function
 *        └──▶ API function ──▶ table ◀──┴── schedule and reconcile function, each minute
 *                                ▲
 *     ECR's events ──▶ queue ──▶ registry-events function
 *                   ▲             │
 *                   └── bucket ◀──┴── snapshot function, each minute
 *
 * What was mirrored, or failed, goes to the default event bus, and from there, with `notify` in the
 * configuration, through the notify queue to the notify function and other people's webhooks.
 *
 * With `retention` in a rule, the retention function deletes what nobody needs, once a day.
 *
 * The identifiers of the parts are part of the template's logical ids: renaming one replaces the
 * resource.
 */
export class ImageMirror extends Construct {
  readonly table: MirrorTable;
  readonly queue: MirrorQueue;
  readonly layerQueue: LayerQueue;
  readonly registryEvents: RegistryEvents;
  readonly secrets: DeploymentSecrets;
  readonly snapshots: SnapshotBucket;
  readonly api: MirrorApi;
  /** The functions, for additions such as permissions, alarms or VPC endpoints. */
  readonly functions: Readonly<Record<Exclude<FunctionName, OptionalFunction>, IFunction>> &
    Readonly<Partial<Record<OptionalFunction, IFunction>>>;

  /** @throws InvalidImageMirrorPropsError before anything is built */
  constructor(scope: Construct, id: string, props: ImageMirrorProps) {
    super(scope, id);
    const { region, account } = Stack.of(this);
    const known = (value: string) => (Token.isUnresolved(value) ? undefined : value);
    const settings = resolveProps(props, { region: known(region), account: known(account) });
    const { config } = props;

    this.table = new MirrorTable(this, 'Table', settings);
    this.queue = new MirrorQueue(this, 'Queue');
    this.layerQueue = new LayerQueue(this, 'LayerQueue');
    this.registryEvents = new RegistryEvents(this, 'RegistryEvents', {
      account,
      region,
      prefix: config.mirror.repositoryPrefix,
    });
    this.secrets = new DeploymentSecrets(this, 'Secrets', settings);
    this.snapshots = new SnapshotBucket(this, 'Snapshots', settings);

    const shared = {
      ...settings.environment,
      DRAYAGE_TABLE: this.table.table.tableName,
      DRAYAGE_QUEUE_URL: this.queue.queue.queueUrl,
    };
    const copying = { ...shared, DRAYAGE_LAYER_QUEUE_URL: this.layerQueue.queue.queueUrl };
    const { logRetention } = settings;
    const webhook = new ServiceFunction(this, 'Webhook', {
      name: 'webhook',
      description: 'verifies webhooks and queues mirror jobs',
      // For many images in one delivery, or a slow queue; API Gateway waits 30 seconds.
      timeout: Duration.seconds(28),
      memorySize: 512,
      environment: {
        ...shared,
        DRAYAGE_WEBHOOK_SECRET: this.secrets.webhooks.secretArn,
        // Images that it copies must not come back as events to be copied.
        DRAYAGE_ACCOUNT: account,
      },
      config,
      logRetention,
    });
    const mirror = new ServiceFunction(this, 'Mirror', {
      name: 'mirror',
      description: 'copies what an image lacks in the mirror',
      timeout: Duration.seconds(900),
      memorySize: settings.mirrorMemorySize,
      environment: { ...copying, DRAYAGE_FAN_OUT_BYTES: String(settings.fanOutBytes) },
      config,
      logRetention,
    });
    const layer = new ServiceFunction(this, 'Layer', {
      name: 'layer',
      description: 'copies one large layer of an image',
      timeout: Duration.seconds(900),
      memorySize: settings.mirrorMemorySize,
      environment: copying,
      config,
      logRetention,
    });
    const api = new ServiceFunction(this, 'Mapping', {
      name: 'api',
      description: 'answers where images are',
      // An export of 100,000 mappings that is made from the snapshot takes about 11 seconds.
      timeout: Duration.seconds(28),
      memorySize: 512,
      environment: {
        ...shared,
        DRAYAGE_API_SECRET: this.secrets.api.secretArn,
        // The operator gets the webhooks' secrets from it.
        DRAYAGE_WEBHOOK_SECRET: this.secrets.webhooks.secretArn,
        DRAYAGE_SNAPSHOT_BUCKET: this.snapshots.bucket.bucketName,
      },
      config,
      logRetention,
    });
    const schedule = new ServiceFunction(this, 'Reconcile', {
      name: 'schedule',
      description: 'queues the jobs that are due, and records those that crashed too often',
      timeout: Duration.seconds(60),
      memorySize: 512,
      environment: {
        ...shared,
        DRAYAGE_DEAD_LETTER_QUEUE_URL: this.queue.deadLetterQueue.queueUrl,
        DRAYAGE_LAYER_DEAD_LETTER_QUEUE_URL: this.layerQueue.deadLetterQueue.queueUrl,
      },
      config,
      logRetention,
    });
    const reconcile = new ServiceFunction(this, 'ReconcileFunction', {
      name: 'reconcile',
      description: 'compares upstreams with the mirror and queues the difference',
      timeout: Duration.seconds(900),
      // The tags of a large repository are held in memory.
      memorySize: 1_024,
      environment: shared,
      config,
      logRetention,
    });
    const registryEvents = new ServiceFunction(this, 'RegistryEventsFunction', {
      name: 'registry-events',
      description: 'removes mappings of images that the mirror lost',
      timeout: Duration.seconds(registryEventsSeconds),
      memorySize: 512,
      environment: {
        ...shared,
        DRAYAGE_ACCOUNT: account,
        DRAYAGE_REGISTRY_EVENTS_QUEUE_URL: this.registryEvents.queue.queueUrl,
      },
      config,
      logRetention,
    });
    const snapshot = new ServiceFunction(this, 'Snapshot', {
      name: 'snapshot',
      description: 'stores the whole mapping as one object',
      timeout: Duration.seconds(900),
      memorySize: 512,
      ...(settings.reserveConcurrency && { reservedConcurrency: 1 }),
      environment: {
        ...settings.environment,
        DRAYAGE_TABLE: this.table.table.tableName,
        DRAYAGE_SNAPSHOT_BUCKET: this.snapshots.bucket.bucketName,
      },
      config,
      logRetention,
    });
    const mounting = settings.blobMounting
      ? new BlobMounting(this, 'BlobMounting', { environment: settings.environment, config, logRetention })
      : undefined;
    const notifications = config.notify
      ? new Notifications(this, 'Notifications', { environment: settings.environment, config, logRetention })
      : undefined;
    const { environment } = settings;
    const retention = hasRetention(config)
      ? new Retention(this, 'Retention', { table: this.table, environment, config, logRetention })
      : undefined;
    this.functions = {
      webhook: webhook.function,
      mirror: mirror.function,
      layer: layer.function,
      api: api.function,
      schedule: schedule.function,
      reconcile: reconcile.function,
      'registry-events': registryEvents.function,
      snapshot: snapshot.function,
      ...(notifications && { notify: notifications.function }),
      ...(retention && { retention: retention.function }),
      ...(mounting && { 'blob-mounting': mounting.function }),
    };

    this.#grantTable();
    this.#grantRegistryEvents();
    this.#grantQueues();
    this.snapshots.grantWrite(snapshot.function);
    this.snapshots.grantExport(api, api.function);
    this.secrets.webhooks.grantRead(webhook.function);
    this.secrets.webhooks.grantRead(api.function);
    this.secrets.api.grantRead(api.function);
    grantMirrorAccess(mirror, mirror.function, config.mirror, mirrorActions);
    grantMirrorSettings(mirror, mirror.function, config.mirror);
    grantSigningKeys(mirror, mirror.function, config);
    grantMirrorAccess(layer, layer.function, config.mirror, layerActions);
    grantMirrorLook(registryEvents, registryEvents.function, config.mirror);
    // A mapping was removed.
    grantEvents(registryEvents, registryEvents.function);
    // A job crashed too often.
    grantEvents(schedule, schedule.function);
    grantMirrorLook(reconcile, reconcile.function, config.mirror);
    grantMirrorSettings(reconcile, reconcile.function, config.mirror);
    const hasPatterns = config.upstreams.some(({ repositories }) => !repositories.every(isLiteral));
    if (hasPatterns) grantRepositoryList(reconcile, reconcile.function);
    grantEvents(reconcile, reconcile.function);
    grantUpstreamCredentials(reconcile, reconcile.function, config);
    // A rollback is accepted only if the mirror still holds the image.
    grantMirrorLook(api, api.function, config.mirror);
    for (const copier of [mirror, layer]) {
      grantUpstreamCredentials(copier, copier.function, config);
      // An image was mirrored, or failed: a layer that fails for good fails its image.
      grantEvents(copier, copier.function);
      // Blobs can be mounted from the first copied image on.
      if (mounting) copier.function.node.addDependency(mounting.setting);
    }

    mirror.function.addEventSource(
      new SqsEventSource(this.queue.queue, {
        batchSize: mirrorBatchSize,
        reportBatchItemFailures: true,
        maxConcurrency: settings.maxConcurrency,
      }),
    );
    layer.function.addEventSource(
      new SqsEventSource(this.layerQueue.queue, {
        batchSize: 1,
        reportBatchItemFailures: true,
        maxConcurrency: settings.layerConcurrency,
      }),
    );
    this.registryEvents.feed(registryEvents.function);
    new MinuteSchedule(this, 'EveryMinute', {
      target: schedule.function,
      description: 'queues the jobs that are due',
    });
    new MinuteSchedule(this, 'EveryMinuteReconcile', {
      target: reconcile.function,
      description: 'compares what is due with the mirror',
    });
    new MinuteSchedule(this, 'EveryMinuteSnapshot', {
      target: snapshot.function,
      description: 'stores the mapping if it has changed',
    });
    this.api = new MirrorApi(this, 'Api', {
      api: config.api,
      webhook: webhook.function,
      target: api.function,
      throttle: settings.throttle,
      logRetention,
    });
    const { lostEvents } = new EcrEvents(this, 'EcrEvents', { config, target: webhook.function });
    new MirrorAlarms(this, 'Alarms', {
      queue: this.queue,
      layerQueue: this.layerQueue,
      schedule: schedule.function,
      registryEvents: this.registryEvents,
      ...(lostEvents && { lostEvents }),
      ...(notifications && { notifications }),
      ...(config.alarms && { alarms: config.alarms }),
    });
  }

  #grantTable(): void {
    const { webhook, mirror, layer, api, schedule, reconcile, snapshot } = this.functions;
    // It accepts requests from the internet. It may read how often a secret was rotated, record and
    // park jobs, and count the events of a tag. Mappings and everything else are out of its reach.
    this.table.grantItems(webhook, webhookItems, 'GetItem', 'PutItem', 'UpdateItem');
    this.table.grantItems(webhook, countedTags, 'UpdateItem');
    // Leases, publishing, the record of its job, the layer index, checkpoints of multipart uploads,
    // and whether a tag still points to a digest.
    this.table.grant(mirror, 'GetItem', 'BatchGetItem', 'Query', 'PutItem', 'UpdateItem', 'DeleteItem');
    // The record and progress of its job, the layer's lease, the layer index, and checkpoints.
    this.table.grant(layer, 'GetItem', 'BatchGetItem', 'PutItem', 'UpdateItem', 'DeleteItem');
    // Reading, and recording the jobs that are requested.
    this.table.grant(api, 'GetItem', 'BatchGetItem', 'Query', 'PutItem', 'UpdateItem');
    // Taking parked jobs that are due, and watching those that are not finished; recording what
    // crashed too often.
    this.table.grant(schedule, 'GetItem', 'Query', 'PutItem', 'UpdateItem', 'DeleteItem');
    // Reading mappings, removing those of lost images, recording jobs, and what is due when.
    this.table.grant(reconcile, 'GetItem', 'Query', 'PutItem', 'UpdateItem');
    this.table.grantItems(reconcile, roundItems, 'DeleteItem');
    this.table.grantItems(snapshot, listedItems, 'GetItem', 'BatchGetItem', 'Query');
  }

  #grantRegistryEvents(): void {
    const grantee = this.functions['registry-events'];
    this.table.grantItems(grantee, mappedItems, 'GetItem', 'BatchGetItem', 'Query');
    this.table.grantItems(grantee, removalItems, 'PutItem', 'UpdateItem');
  }

  #grantQueues(): void {
    const { webhook, mirror, layer, api, schedule, reconcile } = this.functions;
    // The layer function wakes a job after copying its last layer.
    const senders = [webhook, mirror, layer, api, schedule, reconcile, this.functions['registry-events']];
    for (const sender of senders) this.queue.queue.grantSendMessages(sender);
    // It also requeues a layer that did not fit into one invocation.
    for (const sender of [mirror, layer]) this.layerQueue.queue.grantSendMessages(sender);
    for (const { deadLetterQueue } of [this.queue, this.layerQueue])
      deadLetterQueue.grant(schedule, 'sqs:ReceiveMessage', 'sqs:DeleteMessage');
  }
}
