import { endOfJobs, looksByTag, pushBurst, sendBurst } from '../test/support/burst.ts';
import { startPipeline } from '../test/support/pipeline.ts';
import { markdownTable, quantile } from './statistics.ts';

const deliveries = 10_000;
const connections = 50;
const tags = 500;
const endWithinMs = 20 * 60_000;

/**
 * A burst of deliveries at the local stack while its workers mirror: how many a second are taken, how long each waits, and, which
 * ends the bench where it does not hold, that whatever was answered 202 is done in the end.
 */
export async function benchBurst(): Promise<string> {
  const rows: string[][] = [];
  for (const tellDigest of [true, false]) {
    await using pipeline = await startPipeline();
    await pushBurst(pipeline, tags);
    pipeline.upstream.clearRequests();
    const started = performance.now();
    const answered = await sendBurst(pipeline, { deliveries, connections, tags, tellDigest });
    const sentMs = performance.now() - started;
    const refused = answered.filter(({ status }) => status !== 202);
    if (refused.length > 0)
      throw new Error(`${refused.length} deliveries were answered ${refused[0]?.status}`);
    const jobs = await endOfJobs(
      pipeline,
      answered.flatMap(({ jobs }) => jobs),
      endWithinMs,
    );
    const ended = jobs.filter(({ state }) => state === 'committed' || state === 'satisfied');
    if (ended.length !== deliveries) throw new Error(`${deliveries - ended.length} deliveries were lost`);
    const looks = [...looksByTag(pipeline.upstream.requests).values()];
    const times = answered.map(({ ms }) => ms);
    rows.push([
      tellDigest ? 'the digest is told (GitHub, Harbor, …)' : 'it is not (Docker Hub, Quay, …)',
      (deliveries / (sentMs / 1000)).toFixed(0),
      ...[0.5, 0.95, 0.99, 1].map((share) => quantile(times, share).toFixed(0)),
      ((performance.now() - started) / 1000).toFixed(0),
      (looks.reduce((sum, each) => sum + each, 0) / tags).toFixed(2),
      String(Math.max(...looks)),
    ]);
  }
  return [
    `## ${deliveries} signed deliveries over ${connections} connections, ${tags} tags, each named ${deliveries / tags} times`,
    'The local stack: API, functions, table, queue, registries and the sender share this machine. Each was answered 202, and each job came to its end.',
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
        'looks upstream a tag',
        'most',
      ],
      rows,
    ),
  ].join('\n');
}
