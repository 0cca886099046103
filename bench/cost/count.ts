import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteMessageCommand } from '@aws-sdk/client-sqs';
import type { Counts, PushKind, Use } from '../../core/cost/counts.ts';
import { startPipeline } from '../../test/support/pipeline.ts';
import { type SeededImage, seededImage } from '../../test/support/seeded-image.ts';
import { bundle } from '../bundle.ts';
import { deliveryEvent } from '../cold-start.ts';
import { startCountingProxy } from '../mappings/counting-proxy.ts';
import { type FunctionProcess, type Invoked, startFunction } from '../mappings/function.ts';
import { queueClient, receiveMessage, recordOf } from '../queued-message.ts';
import { startRequestCounter } from './request-counter.ts';

/** So many pushes of each kind come before the last one: instances are warm then. */
const warmRounds = 3;

const names = ['webhook', 'mirror', 'schedule', 'reconcile', 'snapshot'] as const;
type Name = (typeof names)[number];

/** What was counted, without what a template says. */
export type Counted = Pick<Counts, 'pushes' | 'idleMinute' | 'snapshot'> & {
  /** Different metrics that the functions recorded. */
  metrics: string[];
};

/**
 * Runs the functions as they are bundled, each in a process of its own, and counts what they ask of
 * the local stack's servers: for a push that makes a repository, for its next version, for one that
 * brings nothing new, for the calls of a minute in which nothing is due, and for a snapshot.
 *
 * @param folder takes the bundles
 */
export async function countUse(folder: string): Promise<Counted> {
  // Its queue and its schedules are left to this process.
  await using pipeline = await startPipeline({
    mirrorInstances: 0,
    snapshotMs: 3_600_000,
    scheduleMs: 3_600_000,
  });
  const { environment, ready, registry, bucket } = pipeline.stack;
  await using table = await startCountingProxy(environment.AWS_ENDPOINT_URL_DYNAMODB ?? '');
  await using queues = await startRequestCounter(environment.AWS_ENDPOINT_URL_SQS ?? '');
  await using bus = await startRequestCounter(environment.AWS_ENDPOINT_URL_EVENTBRIDGE ?? '');
  // The SDK sends to the address of the queue, whatever the endpoint is.
  const ofQueues = environment.AWS_ENDPOINT_URL_SQS ?? '';
  const counted = {
    ...Object.fromEntries(
      Object.entries(environment).map(([name, value]) => [name, value.replace(ofQueues, queues.endpoint)]),
    ),
    AWS_ENDPOINT_URL_DYNAMODB: table.endpoint,
    AWS_ENDPOINT_URL_SQS: queues.endpoint,
    AWS_ENDPOINT_URL_EVENTBRIDGE: bus.endpoint,
    POWERTOOLS_METRICS_NAMESPACE: 'Drayage',
    POWERTOOLS_METRICS_DISABLED: 'false',
  };
  let log = '';
  let logged = '';
  const functions = {} as Record<Name, FunctionProcess>;
  await using stack = new AsyncDisposableStack();
  for (const name of names) {
    const file = await bundle(join('lambda', name, 'handler.ts'), folder, name);
    functions[name] = stack.use(
      await startFunction(
        file,
        { ...counted, AWS_ACCESS_KEY_ID: name, POWERTOOLS_SERVICE_NAME: name },
        undefined,
        (text) => {
          log += text;
        },
      ),
    );
  }
  const sqs = queueClient(environment);
  stack.defer(() => sqs.destroy());

  let runs = new Map<Name, Invoked[]>();
  const invoke = async (name: Name, event: unknown) => {
    const invoked = await functions[name].invoke(event);
    runs.set(name, [...(runs.get(name) ?? []), invoked]);
  };
  const reset = () => {
    runs = new Map();
    logged += log;
    log = '';
    table.take();
    queues.take();
    bus.take();
    bucket.requests.length = 0;
    registry.clearRequests();
    pipeline.upstream.clearRequests();
  };
  const take = async (): Promise<Use> => {
    // Output of the processes comes on its own ways.
    await sleep(200);
    const units = table.take();
    const requests = queues.take();
    const fifo = requests.filter(({ body }) => String(body.QueueUrl).endsWith('.fifo')).length;
    const s3 = bucket.requests.filter((request) => request.startsWith('PUT ')).length;
    return {
      functions: Object.fromEntries(
        [...runs].map(([name, invoked]) => [
          name,
          {
            invocations: invoked.length,
            cpuMs: Math.round(invoked.reduce((sum, { cpuMs }) => sum + cpuMs, 0)),
          },
        ]),
      ),
      tableReads: units.reads,
      tableWrites: units.writes,
      sqsFifo: fifo,
      sqsStandard: requests.length - fifo,
      s3Puts: s3,
      s3Gets: bucket.requests.length - s3,
      busEvents: bus.take().reduce((sum, { body }) => sum + (body.Entries as unknown[]).length, 0),
      registryRequests: registry.requests.length + pipeline.upstream.requests.length,
      logBytes: Buffer.byteLength(log),
    };
  };

  const secret = ready.webhooks.github?.secret ?? '';
  const push = async (repository: string, image: SeededImage): Promise<Use> => {
    await pipeline.push(repository, '1', image);
    reset();
    await invoke('webhook', deliveryEvent(secret, repository, '1'));
    const message = await receiveMessage(sqs, ready.queue);
    await invoke('mirror', { Records: [recordOf(message)] });
    await sqs.send(new DeleteMessageCommand({ QueueUrl: ready.queue, ReceiptHandle: message.ReceiptHandle }));
    const use = await take();
    const mapped = await pipeline.mapping(`ghcr.io/${repository}:1`);
    if (mapped?.digest !== image.manifest.digest) throw new Error(`${repository} was not mirrored\n${log}`);
    // Lambda's own: it receives the message, and deletes it.
    return { ...use, sqsFifo: use.sqsFifo + 2 };
  };

  const rounds: Record<PushKind, Use[]> = { first: [], next: [], nothing: [] };
  for (let round = 0; round <= warmRounds; round++) {
    const repository = `acme/counted-${round}`;
    rounds.first.push(await push(repository, imageOf(`first ${round}`)));
    rounds.next.push(await push(repository, imageOf(`next ${round}`)));
    rounds.nothing.push(await push(repository, imageOf(`next ${round}`)));
  }
  reset();
  await invoke('snapshot', {});
  const snapshot = await take();
  const minutes: Use[] = [];
  for (let round = 0; round <= warmRounds; round++) {
    reset();
    for (const name of ['schedule', 'reconcile', 'snapshot'] as const)
      await invoke(name, { time: new Date().toISOString() });
    minutes.push(await take());
  }
  const pushes = {
    first: leastOf(rounds.first),
    next: leastOf(rounds.next),
    nothing: leastOf(rounds.nothing),
  };
  const idleMinute = leastOf(minutes);
  return { pushes, idleMinute, snapshot, metrics: metricsIn(logged + log) };
}

/**
 * The last run, with the least of each count: on a busy machine, connections are opened again and
 * what takes long is renewed.
 */
function leastOf(uses: Use[]): Use {
  const last = uses.at(-1) as Use;
  const least = (of: (use: Use) => number) => Math.min(...uses.map(of));
  return {
    ...last,
    tableReads: least(({ tableReads }) => tableReads),
    tableWrites: least(({ tableWrites }) => tableWrites),
    sqsFifo: least(({ sqsFifo }) => sqsFifo),
    registryRequests: least(({ registryRequests }) => registryRequests),
    logBytes: least(({ logBytes }) => logBytes),
  };
}

/** Fifteen layers, of which two are those of this version alone. */
function imageOf(seed: string): SeededImage {
  const layers = Array.from({ length: 15 }, (_, n) =>
    n < 13 ? { size: 3_000, seed: `counted ${n}` } : { size: 3_000 },
  );
  return seededImage({ seed, layers });
}

/** The metrics in a log, each with the service that it belongs to. */
function metricsIn(log: string): string[] {
  const names = log.split('\n').flatMap((line) => {
    if (!line.includes('"CloudWatchMetrics"')) return [];
    const { _aws: aws, service } = JSON.parse(line) as {
      _aws: { CloudWatchMetrics: { Metrics: { Name: string }[] }[] };
      service: string;
    };
    return aws.CloudWatchMetrics.flatMap(({ Metrics }) => Metrics.map(({ Name }) => `${service} ${Name}`));
  });
  return [...new Set(names)].sort();
}
