import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoRetiringStore } from '../../core/aws/dynamodb/mappings/retiring.ts';
import { DynamoReconcileStore } from '../../core/aws/dynamodb/reconcile-store.ts';
import { openTable } from '../../core/aws/dynamodb/table.ts';
import { enableBlobMounting } from '../../core/aws/ecr/blob-mounting.ts';
import type { Config } from '../../core/config/config.ts';
import { mirrorBatchSize } from '../../core/jobs/ports.ts';
import { eventBatchSize } from '../../core/registry-events/ports.ts';
import { startTable } from '../../local/dynamodb.ts';
import { startRegistry } from '../../local/ecr/server.ts';
import { startEventSource } from '../../local/event-source.ts';
import { startEventBus } from '../../local/eventbridge.ts';
import { startHttpApi } from '../../local/http-api.ts';
import { deliverRegistryEvents } from '../../local/registry-events.ts';
import { startSecretsManager } from '../../local/secrets-manager.ts';
import { startQueue } from '../../local/sqs.ts';
import { localStores } from '../../local/stores.ts';
import { localWebhooks } from '../../local/webhooks.ts';
import { dice } from '../unit/webhooks/mutate.ts';
import { Fates, mortal, mortalConsumer } from './fates.ts';
import { type FaultyApiOptions, startFaultyApi } from './faulty-api.ts';
import { type Bundles, createFunctions } from './functions.ts';
import { ServiceLog } from './service-log.ts';
import { startUpstreams } from './upstreams.ts';

const region = 'eu-west-1';
const account = '000000000000';
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
const webhookRoot = 'chaos-webhook-root-of-all-secrets';
/** So that some images hand their layers out. */
const fanOutBytes = 500_000;
/** Of the registry's events, so many come twice. */
const doubledEvents = 0.1;

const tableFaults = { throttled: 0.02, lost: 0.02, burst: { probability: 0.002, calls: 40 } };
const queueFaults = { throttled: 0.02, lost: 0.03, burst: { probability: 0, calls: 0 } };
const registryLogSize = 1_000_000;

export type World = Awaited<ReturnType<typeof startWorld>>;

/**
 * Starts the services that a deployment uses, with faults in between, and its functions as
 * processes. Nothing calls the schedules by itself.
 */
export async function startWorld(seed: number, bundles: Bundles) {
  await using stack = new AsyncDisposableStack();
  const started = <T extends { stop(): Promise<unknown> }>(service: T): T =>
    stack.adopt(service, async (each) => {
      await each.stop();
    });
  let aheadMs = 0;
  const deletions: { repository: string; digest: string }[] = [];
  const log = new ServiceLog();
  const fates = new Fates(dice(seed + 1));

  const table = started(await startTable(region));
  const queue = started(await startQueue(region));
  const bus = await startEventBus(region, log);
  stack.defer(() => bus.stop());
  const secrets = started(await startSecretsManager(() => ({ webhooks: { root: webhookRoot } })));
  const upstreams = stack.use(await startUpstreams(registryLogSize));
  const config = upstreams.config('first');
  const delivery = deliverRegistryEvents({
    endpoint: queue.endpoint,
    queueUrl: queue.registryEventsQueueUrl,
    place: { account, region, prefix: config.mirror.repositoryPrefix },
    log,
  });
  stack.defer(delivery.close);
  const mirror = stack.use(
    await startRegistry({
      flavour: 'ecr',
      region,
      accountId: account,
      requestLogSize: registryLogSize,
      now: () => Date.now() + aheadMs,
      events(event) {
        const { 'repository-name': repository, 'image-digest': digest } = event.detail;
        if (event.detail['action-type'] === 'DELETE')
          deletions.push({ repository: String(repository), digest: String(digest) });
        if (fates.happens(fates.lostEvents)) return;
        delivery.sink(event);
        if (fates.happens(doubledEvents)) delivery.sink(event);
      },
    }),
  );
  await enableBlobMounting({ endpoint: mirror.endpoint, region, credentials });

  const onCall: FaultyApiOptions['onCall'] = (identity, when) =>
    Object.values(functions).some((each) => each.called(identity, when));
  const faultyTable = started(
    await startFaultyApi({
      target: table.endpoint,
      refusal: {
        status: 400,
        type: 'com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException',
      },
      faults: tableFaults,
      roll: dice(seed + 2),
      onCall,
    }),
  );
  const faultyQueue = started(
    await startFaultyApi({
      target: queue.endpoint,
      refusal: { status: 500, type: 'com.amazonaws.sqs#InternalError' },
      faults: queueFaults,
      roll: dice(seed + 3),
      onCall,
    }),
  );
  const throughFaults = (url: string) => url.replace(queue.endpoint, faultyQueue.url);
  const environmentOf = (version: Config): Record<string, string> => ({
    AWS_REGION: region,
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_SESSION_TOKEN: '',
    AWS_ENDPOINT_URL_ECR: mirror.endpoint,
    AWS_ENDPOINT_URL_DYNAMODB: faultyTable.url,
    AWS_ENDPOINT_URL_SQS: faultyQueue.url,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.endpoint,
    AWS_ENDPOINT_URL_EVENTBRIDGE: bus.endpoint,
    DRAYAGE_TABLE: table.name,
    DRAYAGE_ACCOUNT: account,
    DRAYAGE_QUEUE_URL: throughFaults(queue.queueUrl),
    DRAYAGE_DEAD_LETTER_QUEUE_URL: throughFaults(queue.deadLetterQueueUrl),
    DRAYAGE_LAYER_QUEUE_URL: throughFaults(queue.layerQueueUrl),
    DRAYAGE_LAYER_DEAD_LETTER_QUEUE_URL: throughFaults(queue.layerDeadLetterQueueUrl),
    DRAYAGE_REGISTRY_EVENTS_QUEUE_URL: throughFaults(queue.registryEventsQueueUrl),
    DRAYAGE_FAN_OUT_BYTES: String(fanOutBytes),
    DRAYAGE_RETRY_SECONDS: '1',
    DRAYAGE_WEBHOOK_SECRET: 'webhooks',
    DRAYAGE_CONFIG_JSON: JSON.stringify(version),
    POWERTOOLS_METRICS_DISABLED: 'true',
    POWERTOOLS_LOG_LEVEL: 'WARN',
  });
  const functions = createFunctions(bundles, environmentOf(config), (text) => log.write(text));
  stack.defer(() => Promise.all(Object.values(functions).map((each) => each.stop())).then(() => {}));

  const stores = localStores(table, queue, region);
  stack.defer(stores.close);
  await stores.mappings.putRegistryHost(region, mirror.host);
  const api = await startHttpApi(() => mortal(functions.webhook, 'webhook', fates), 0, log);
  stack.defer(() => api.close());
  const sqs = new SQSClient({ endpoint: queue.endpoint, region, credentials });
  stack.defer(() => sqs.destroy());
  const feed = (name: 'mirror' | 'layer' | 'registry-events', queueUrl: string, batchSize: number) =>
    startEventSource({
      endpoint: queue.endpoint,
      region,
      queueUrl,
      function: mortalConsumer(functions[name], name, { fates, sqs, queueUrl }),
      concurrency: name === 'mirror' ? 2 : 1,
      batchSize,
      log,
    });
  const sources = [
    feed('mirror', queue.queueUrl, mirrorBatchSize),
    feed('layer', queue.layerQueueUrl, 1),
    feed('registry-events', queue.registryEventsQueueUrl, eventBatchSize),
  ];
  stack.defer(() => Promise.all(sources.map((source) => source.stop(100))).then(() => {}));

  const opened = openTable(table.name, { endpoint: table.endpoint, region, credentials });
  stack.defer(() => opened.client.destroy());
  const disposables = stack.move();
  return {
    log,
    fates,
    upstreams,
    mirror,
    /** Images that were deleted from the mirror, also those that came back. */
    deletions,
    queue,
    sqs,
    faultyTable,
    faultyQueue,
    functions,
    stores,
    table: opened,
    retiring: new DynamoRetiringStore(opened),
    reconcileStore: new DynamoReconcileStore(opened),
    webhooks: await localWebhooks(config, {
      origin: api.url,
      root: webhookRoot,
      states: stores.webhookStates,
    }),
    /** The time by the functions' clocks. */
    now: () => new Date(Date.now() + aheadMs),
    advance(ms: number) {
      aheadMs += ms;
      for (const each of Object.values(functions)) each.setClock(aheadMs);
    },
    deploy(version: Config) {
      for (const each of Object.values(functions)) each.deploy(environmentOf(version));
    },
    [Symbol.asyncDispose]: () => disposables.disposeAsync(),
  };
}
