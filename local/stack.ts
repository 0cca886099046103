import { enableBlobMounting } from '../core/aws/ecr/blob-mounting.ts';
import type { Config } from '../core/config/config.ts';
import { exportPrefix } from '../core/exports/snapshot-store.ts';
import { defaultFanOutBytes } from '../core/jobs/layers/hand-out.ts';
import { mirrorBatchSize } from '../core/jobs/ports.ts';
import { resendUnfinished } from '../core/jobs/resend.ts';
import type { MappingStore } from '../core/mapping/store.ts';
import { asksForScans } from '../core/policy/asks-for-scans.ts';
import { eventBatchSize } from '../core/registry-events/ports.ts';
import { hasRetention } from '../core/retention/pass.ts';
import { metricNamespace } from '../core/telemetry/metrics.ts';
import type { PresentedWebhook } from '../core/webhooks/present-webhook.ts';
import { deriveSecret } from '../core/webhooks/secrets/secrets.ts';
import { type LocalSecretValues, newSecrets, openDataDirectory } from './data-directory.ts';
import { startTable } from './dynamodb.ts';
import { type EmbeddedRegistry, startRegistry } from './ecr/server.ts';
import { startEventSource } from './event-source.ts';
import { type LocalEventBus, startEventBus } from './eventbridge.ts';
import { createFunctions, type Functions, type Instances } from './functions.ts';
import { type HttpApi, startHttpApi } from './http-api.ts';
import { addNotifyRules } from './notify-rules.ts';
import { deliverRegistryEvents } from './registry-events.ts';
import { type LocalBucket, startBucket } from './s3/server.ts';
import { startSchedule } from './schedule.ts';
import { startSecretsManager } from './secrets-manager.ts';
import { type LocalQueue, startQueue } from './sqs.ts';
import { dataFolderError } from './start-error.ts';
import { localStores } from './stores.ts';
import { type Invocable, jobTeller, type LocalWatcher, watchDeliveries } from './watcher.ts';
import { type LocalWebhook, localWebhooks, presentLocalWebhooks } from './webhooks.ts';

export interface LocalStackOptions {
  config: Config;
  /** The API's port; 0 or absent: a free one. */
  port?: number;
  /**
   * A folder that keeps images, mappings, jobs and secrets across restarts; absent: nothing is
   * kept.
   */
  data?: string;
  /** Require the API's tokens, and the registry's password for pulls. */
  auth?: boolean;
  /**
   * Values of the secrets that mirror.yaml names: `{username, password}` of upstreams, `{secret}`
   * of the endpoints of `notify`.
   */
  upstreamSecrets?: Record<string, object>;
  /** How many images are mirrored at once; 0: jobs are left to other processes. */
  mirrorInstances?: number;
  /** How many large layers are copied at once; 0: they are left to other processes. */
  layerInstances?: number;
  /**
   * The least size, in bytes, at which several missing layers of an image become layer jobs; as
   * deployed by default.
   */
  fanOutBytes?: number;
  /** After how many seconds a job whose function failed is retried; as deployed by default. */
  retrySeconds?: number;
  /** How long a message stays hidden after its function died, seconds; as deployed by default. */
  holdSeconds?: number;
  /** The pause between the schedule's calls, in milliseconds; a minute by default, as deployed. */
  scheduleMs?: number;
  /**
   * The pause between comparisons of what is due, in milliseconds; a minute by default, as
   * deployed. 0: nothing is compared.
   */
  reconcileMs?: number;
  /** The pause between looks for a new snapshot, in milliseconds; a second by default. */
  snapshotMs?: number;
  /** Takes logs; standard error by default. */
  log?: NodeJS.WritableStream;
  /** Whether the functions write their metrics into the log, as on AWS; default false. */
  metrics?: boolean;
  /** Observes deliveries and jobs; optional. */
  watcher?: LocalWatcher;
}

/** What `drayage local` prints as its first line. */
export interface Ready {
  ready: true;
  api: string;
  registry: string;
  queue: string;
  tokens?: { reader: string; operator: string };
  webhooks: Record<string, LocalWebhook>;
}

export interface LocalStack {
  ready: Ready;
  registry: EmbeddedRegistry;
  /** The password of the registry's user `AWS`. */
  registryPassword: string;
  queue: LocalQueue;
  bucket: LocalBucket;
  eventBus: LocalEventBus;
  functions: Functions;
  mappings: Pick<MappingStore, 'list'>;
  /** The webhooks as the API shows them to the operator. */
  webhooks(): Promise<PresentedWebhook[]>;
  /** The functions' environment: with it, other processes can run them on the same services. */
  environment: Record<string, string>;
  /**
   * Ends everything: no new work is taken; running jobs get a moment to finish, otherwise they are
   * queued again at the next start.
   */
  stop(): Promise<void>;
}

const stopWithinMs = 1_500;
/** The account that the emulators stand for. */
const localAccount = '000000000000';
const defaultInstances = 2;
/**
 * On AWS, snapshots are built every minute, and the API looks for a new one every five seconds.
 * Here, people wait for what they have just changed.
 */
const snapshotMs = 1_000;
const snapshotFreshMs = 250;
/** How many batches of events are delivered at once, and how many events a batch has. */
const notifyConcurrency = 4;
const notifyBatchSize = 10;
const webhookSecret = 'drayage/local/webhooks';
const apiSecret = 'drayage/local/api';

/**
 * Starts the whole pipeline on this machine: embedded registry, queue, table and secrets, each with
 * its AWS protocol, and the same handlers that Lambda runs.
 */
export async function startLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  const cleanups: (() => unknown)[] = [];
  const stop = async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  };
  try {
    return await start(options, cleanups, stop);
  } catch (error) {
    await stop();
    throw options.data === undefined ? error : dataFolderError(error, options.data);
  }
}

async function start(
  options: LocalStackOptions,
  cleanups: (() => unknown)[],
  stop: () => Promise<void>,
): Promise<LocalStack> {
  const { config, auth = false, log = process.stderr } = options;
  const [region = 'local'] = config.mirror.regions;
  const data = options.data === undefined ? undefined : await openDataDirectory(options.data);
  if (data) cleanups.push(data.release);
  const secrets = data?.secrets ?? newSecrets();
  const kept = <T extends { stop(): Promise<unknown> }>(service: T): T => {
    cleanups.push(() => service.stop());
    return service;
  };

  // First of all: the table's own lock stops another process that uses the same folder by mistake.
  const table = kept(await startTable(region, data?.table));
  const queue = kept(await startQueue(region));
  const events = deliverRegistryEvents({
    endpoint: queue.endpoint,
    queueUrl: queue.registryEventsQueueUrl,
    place: { account: localAccount, region, prefix: config.mirror.repositoryPrefix },
    scans: asksForScans(config),
    log,
  });
  cleanups.push(events.close);
  const registry = kept(
    await startRegistry({
      flavour: 'ecr',
      region,
      accountId: localAccount,
      events: events.sink,
      auth,
      data: data?.registry,
      password: secrets.registryPassword,
    }),
  );
  await enableBlobMounting({
    endpoint: registry.endpoint,
    region,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const bucket = kept(
    await startBucket({ directory: data?.bucket, secret: 'local', expiring: exportPrefix }),
  );
  const eventBus = kept(await startEventBus(region, log));
  cleanups.push(addNotifyRules(eventBus, { config, queue, region }));
  const manager = kept(await startSecretsManager(() => secretValues(secrets, options)));
  const environment = {
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_SESSION_TOKEN: '',
    AWS_ENDPOINT_URL_ECR: registry.endpoint,
    AWS_ENDPOINT_URL_DYNAMODB: table.endpoint,
    AWS_ENDPOINT_URL_SQS: queue.endpoint,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: manager.endpoint,
    AWS_ENDPOINT_URL_S3: bucket.endpoint,
    AWS_ENDPOINT_URL_EVENTBRIDGE: eventBus.endpoint,
    DRAYAGE_TABLE: table.name,
    DRAYAGE_QUEUE_URL: queue.queueUrl,
    DRAYAGE_FAN_OUT_BYTES: String(options.fanOutBytes ?? defaultFanOutBytes),
    DRAYAGE_DEAD_LETTER_QUEUE_URL: queue.deadLetterQueueUrl,
    DRAYAGE_LAYER_QUEUE_URL: queue.layerQueueUrl,
    DRAYAGE_LAYER_DEAD_LETTER_QUEUE_URL: queue.layerDeadLetterQueueUrl,
    DRAYAGE_REGISTRY_EVENTS_QUEUE_URL: queue.registryEventsQueueUrl,
    DRAYAGE_ACCOUNT: localAccount,
    DRAYAGE_NOTIFY_QUEUE_URL: queue.notifyQueueUrl,
    DRAYAGE_WEBHOOK_SECRET: webhookSecret,
    DRAYAGE_API_SECRET: auth ? apiSecret : '',
    DRAYAGE_SNAPSHOT_BUCKET: bucket.name,
    DRAYAGE_SNAPSHOT_FRESH_MS: String(snapshotFreshMs),
    DRAYAGE_CONFIG_JSON: JSON.stringify(config),
    ...(options.retrySeconds !== undefined && { DRAYAGE_RETRY_SECONDS: String(options.retrySeconds) }),
    ...(options.holdSeconds !== undefined && { DRAYAGE_HOLD_SECONDS: String(options.holdSeconds) }),
    POWERTOOLS_METRICS_DISABLED: String(!options.metrics),
    POWERTOOLS_METRICS_NAMESPACE: metricNamespace,
    POWERTOOLS_LOG_LEVEL: process.env.POWERTOOLS_LOG_LEVEL ?? 'INFO',
  };
  const instances = {
    mirror: options.mirrorInstances ?? defaultInstances,
    layer: options.layerInstances ?? defaultInstances,
  };
  const functions = createFunctions(environment, instances, log);
  for (const one of Object.values(functions)) kept(one);

  const stores = localStores(table, queue, region);
  cleanups.push(stores.close);
  // The registry has a new port after each start; the images that were mapped before are still in
  // it.
  await stores.mappings.putRegistryHost(region, registry.host);
  await resendUnfinished({ config, ...stores });

  const { watcher } = options;
  const webhook = watcher ? watchDeliveries(functions.webhook, watcher) : functions.webhook;
  const telling = watcher ? jobTeller(stores.jobs, watcher) : (worker: Invocable) => worker;
  const api: HttpApi = await startHttpApi(
    (path) => (path.startsWith('/webhooks/') ? webhook : functions.api),
    options.port ?? 0,
    log,
  );
  cleanups.push(() => api.close());
  await Promise.all([functions.webhook.warm(), functions.api.warm(), functions.mirror.warm()]);
  // The start does not wait for it: nobody deletes an image in the first second.
  functions.registryEvents.warm().catch((error: Error) => {
    log.write(`the registry-events function does not start: ${error.message}\n`);
  });
  const feed = (name: keyof Instances, queueUrl: string) =>
    startEventSource({
      endpoint: queue.endpoint,
      region,
      queueUrl,
      function: telling(functions[name]),
      concurrency: instances[name],
      batchSize: name === 'mirror' ? mirrorBatchSize : 1,
      log,
    });
  const eventSource = {
    endpoint: queue.endpoint,
    region,
    queueUrl: queue.registryEventsQueueUrl,
    function: functions.registryEvents,
    concurrency: 1,
    batchSize: eventBatchSize,
    log,
  };
  const notifySource = {
    ...eventSource,
    queueUrl: queue.notifyQueueUrl,
    function: functions.notify,
    concurrency: notifyConcurrency,
    batchSize: notifyBatchSize,
  };
  const sources = [
    feed('mirror', queue.queueUrl),
    feed('layer', queue.layerQueueUrl),
    startEventSource(eventSource),
    ...(config.notify ? [startEventSource(notifySource)] : []),
  ];
  cleanups.push(() => Promise.all(sources.map((source) => source.stop(stopWithinMs))));
  cleanups.push(startSchedule(functions.schedule, log, options.scheduleMs));
  if (options.reconcileMs !== 0) cleanups.push(startSchedule(functions.reconcile, log, options.reconcileMs));
  if (hasRetention(config)) cleanups.push(startSchedule(functions.retention, log));
  cleanups.push(startSchedule(functions.snapshot, log, options.snapshotMs ?? snapshotMs));
  const webhookOptions = { origin: api.url, root: secrets.webhookRoot, states: stores.webhookStates };
  return {
    ready: {
      ready: true,
      api: api.url,
      registry: registry.host,
      queue: queue.queueUrl,
      ...(auth ? { tokens: apiTokens(secrets) } : {}),
      webhooks: await localWebhooks(config, webhookOptions),
    },
    registry,
    registryPassword: secrets.registryPassword,
    queue,
    bucket,
    eventBus,
    functions,
    mappings: stores.mappings,
    webhooks: () => presentLocalWebhooks(config, webhookOptions),
    environment,
    stop,
  };
}

function secretValues(secrets: LocalSecretValues, options: LocalStackOptions): Record<string, object> {
  return {
    ...options.upstreamSecrets,
    [webhookSecret]: { root: secrets.webhookRoot },
    [apiSecret]: { root: secrets.apiRoot },
  };
}

function apiTokens(secrets: LocalSecretValues): { reader: string; operator: string } {
  return {
    reader: deriveSecret(secrets.apiRoot, 'token:reader'),
    operator: deriveSecret(secrets.apiRoot, 'token:operator'),
  };
}
