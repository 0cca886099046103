import { Stack, Token } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Construct } from 'constructs';
import { mirrorBatchSize } from '../core/jobs/ports.ts';
import { asksForScans } from '../core/policy/asks-for-scans.ts';
import { hasRetention } from '../core/retention/pass.ts';
import { BlobMounting } from './blob-mounting.ts';
import { DeploymentSecrets } from './deployment-secrets.ts';
import { EcrEvents } from './ecr-events.ts';
import { encryptWith } from './encryption.ts';
import { type ImageMirrorProps, resolveProps } from './image-mirror-props.ts';
import { LayerQueue } from './layer-queue.ts';
import { MinuteSchedule } from './minute-schedule.ts';
import { MirrorAlarms } from './mirror-alarms.ts';
import { MirrorApi } from './mirror-api.ts';
import { MirrorDashboard } from './mirror-dashboard.ts';
import { makeFunctions, type OptionalFunction } from './mirror-functions.ts';
import { MirrorNetwork } from './mirror-network.ts';
import { grantPermissions } from './mirror-permissions.ts';
import { MirrorQueue } from './mirror-queue.ts';
import { MirrorTable } from './mirror-table.ts';
import { Notifications } from './notifications.ts';
import { RegistryEvents } from './registry-events.ts';
import { Retention } from './retention.ts';
import type { FunctionDefaults, FunctionName } from './service-function.ts';
import { SnapshotBucket } from './snapshot-bucket.ts';

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

    const network = MirrorNetwork.of(this, props, config);
    this.table = new MirrorTable(this, 'Table', settings);
    this.queue = new MirrorQueue(this, 'Queue', settings);
    this.layerQueue = new LayerQueue(this, 'LayerQueue');
    this.registryEvents = new RegistryEvents(this, 'RegistryEvents', {
      account,
      region,
      prefix: config.mirror.repositoryPrefix,
      scans: asksForScans(config),
    });
    this.secrets = new DeploymentSecrets(this, 'Secrets', settings);
    this.snapshots = new SnapshotBucket(this, 'Snapshots', settings);

    const defaults: FunctionDefaults = {
      config,
      environment: settings.environment,
      logRetention: settings.logRetention,
      tracing: settings.tracing,
      ...(network && { network: network.functions }),
    };
    const { table, queue, layerQueue, registryEvents, secrets, snapshots } = this;
    const parts = { table, queue, layerQueue, registryEvents, secrets, snapshots };
    const functions = makeFunctions(this, { ...parts, defaults, settings, account });
    const { webhook, mirror, layer, api, schedule, reconcile, snapshot } = functions;
    const mounting = settings.blobMounting ? new BlobMounting(this, 'BlobMounting', defaults) : undefined;
    const notifications = config.notify ? new Notifications(this, 'Notifications', defaults) : undefined;
    const retention = hasRetention(config)
      ? new Retention(this, 'Retention', { ...defaults, table: this.table })
      : undefined;
    this.functions = {
      webhook: webhook.function,
      mirror: mirror.function,
      layer: layer.function,
      api: api.function,
      schedule: schedule.function,
      reconcile: reconcile.function,
      'registry-events': functions['registry-events'].function,
      snapshot: snapshot.function,
      ...(notifications && { notify: notifications.function }),
      ...(retention && { retention: retention.function }),
      ...(mounting && { 'blob-mounting': mounting.function }),
    };

    grantPermissions({ ...parts, functions }, config);
    // The function in it answers CloudFormation.
    if (network) mounting?.setting.node.addDependency(network);
    // Blobs can be mounted from the first copied image on.
    if (mounting) for (const copier of [mirror, layer]) copier.function.node.addDependency(mounting.setting);

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
    registryEvents.feed(functions['registry-events'].function);
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
      logRetention: settings.logRetention,
    });
    const { lostEvents } = new EcrEvents(this, 'EcrEvents', { config, target: webhook.function });
    const alarms = new MirrorAlarms(this, 'Alarms', {
      queue: this.queue,
      layerQueue: this.layerQueue,
      schedule: schedule.function,
      registryEvents: this.registryEvents,
      ...(lostEvents && { lostEvents }),
      ...(notifications && { notifications }),
      ...(config.alarms && { alarms: config.alarms }),
      service: {
        functions: this.functions,
        reserveConcurrency: settings.reserveConcurrency,
        api: this.api.api,
      },
    });
    // At the end: it goes through all that there is.
    const { kmsKey } = config.encryption ?? {};
    const key = settings.encryptionKey ?? (kmsKey && Key.fromKeyArn(this, 'EncryptionKey', kmsKey));
    if (key) encryptWith(this, key, this.functions);
    if (settings.dashboard)
      new MirrorDashboard(this, 'Dashboard', {
        config,
        functions: this.functions,
        queue: queue.queue,
        layerQueue: layerQueue.queue,
        api: this.api.api,
        alarms: alarms.all,
      });
  }
}
