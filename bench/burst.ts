import { startHttpApi } from '../local/http-api.ts';
import { LambdaFunction } from '../local/lambda-function.ts';
import { type Delivery, endOfJobs, looksByTag, pushBurst, sendBurst } from '../test/support/burst.ts';
import { startPipeline } from '../test/support/pipeline.ts';
import { markdownTable, quantile } from './statistics.ts';

const deliveries = 10_000;
const connections = 50;
const tags = 500;
const endWithinMs = 20 * 60_000;

/**
 * A burst of deliveries to the local stack while its workers mirror: how many are accepted a
 * second, and how long each waits. The bench fails unless every delivery that was answered 202 is
 * done in the end.
 */
export async function benchBurst(): Promise<string> {
  const rows: string[][] = [];
  rows.push([
    'an empty function behind the same API that queues nothing',
    ...(await sendToEmpty()),
    '',
    '',
    '',
  ]);
  for (const tellDigest of [true, false]) {
    await using pipeline = await startPipeline();
    await pushBurst(pipeline, tags);
    pipeline.upstream.clearRequests();
    const started = performance.now();
    const answered = await sendBurst(pipeline, { deliveries, connections, tags, tellDigest });
    const figures = answerFigures(answered, started);
    const jobs = await endOfJobs(
      pipeline,
      answered.flatMap(({ jobs }) => jobs),
      endWithinMs,
    );
    const ended = jobs.filter(({ state }) => state === 'committed' || state === 'satisfied');
    if (ended.length !== deliveries) throw new Error(`${deliveries - ended.length} deliveries were lost`);
    const looks = [...looksByTag(pipeline.upstream.requests).values()];
    rows.push([
      tellDigest ? 'with the digest (GitHub, Harbor, …)' : 'without the digest (Docker Hub, Quay, …)',
      ...figures,
      ((performance.now() - started) / 1000).toFixed(0),
      (looks.reduce((sum, each) => sum + each, 0) / tags).toFixed(2),
      String(Math.max(...looks)),
    ]);
  }
  return [
    `## ${deliveries} signed deliveries over ${connections} connections, ${tags} tags, each named ${deliveries / tags} times`,
    'The local stack: API, functions, table, queue, registries and the sender share this machine. Each delivery was answered 202, and each job ended.',
    '',
    markdownTable(
      [
        '',
        'deliveries/s',
        'median, ms',
        '95 %',
        '99 %',
        'longest',
        'all done after, s',
        'upstream lookups per tag',
        'most',
      ],
      rows,
    ),
  ].join('\n');
}

/**
 * The same deliveries to a function that answers at once: the limit of the sender, the API and the
 * thread of a function.
 */
async function sendToEmpty(): Promise<string[]> {
  await using pipeline = await startPipeline();
  const empty = new LambdaFunction({
    name: 'empty',
    module: new URL('./cold-start/empty.ts', import.meta.url),
    environment: pipeline.stack.environment,
    timeoutMs: 28_000,
    instances: 1,
    eventsPerInstance: 64,
    log: process.stderr,
  });
  const api = await startHttpApi(() => empty, 0, process.stderr);
  try {
    const started = performance.now();
    const sent = { deliveries, connections, tags, tellDigest: true, api: api.url };
    return answerFigures(await sendBurst(pipeline, sent), started);
  } finally {
    await api.close();
    await empty.stop();
  }
}

/** Deliveries a second, and how long they waited. @throws if one was not answered 202 */
function answerFigures(answered: Delivery[], started: number): string[] {
  const sentMs = performance.now() - started;
  const refused = answered.filter(({ status }) => status !== 202);
  if (refused.length > 0) throw new Error(`${refused.length} deliveries were answered ${refused[0]?.status}`);
  const times = answered.map(({ ms }) => ms);
  return [
    (deliveries / (sentMs / 1000)).toFixed(0),
    ...[0.5, 0.95, 0.99, 1].map((share) => quantile(times, share).toFixed(0)),
  ];
}
