import { startPipeline } from '../test/support/pipeline.ts';
import { seededImage } from '../test/support/seeded-image.ts';
import { markdownTable, median, quantile } from './statistics.ts';

const images = 40;

/**
 * From the webhook to the published mapping on the local stack, image after image: the pipeline's
 * own time, since registries on loopback answer at once.
 */
export async function benchPipeline(): Promise<string> {
  await using pipeline = await startPipeline();
  const lags: Record<string, number[]> = {
    'first image of a repository': [],
    'next version': [],
    'nothing new': [],
  };
  const answers: number[] = [];
  const run = async (what: string, repository: string, tag: string) => {
    const started = performance.now();
    const answer = await pipeline.github(repository, tag);
    answers.push(performance.now() - started);
    const { accepted } = (await answer.json()) as { accepted: { job: string }[] };
    const job = await pipeline.jobIn(accepted[0]?.job ?? '', 'committed');
    lags[what]?.push(job.lagMs ?? Number.NaN);
  };
  for (let n = 0; n < images; n++) {
    const base = { size: 100_000, seed: `base ${n}` };
    const repository = `acme/app-${n}`;
    await pipeline.push(repository, '1', seededImage({ seed: `one ${n}`, layers: [base, { size: 3_000 }] }));
    await pipeline.push(repository, '2', seededImage({ seed: `two ${n}`, layers: [base, { size: 3_000 }] }));
    await run('first image of a repository', repository, '1');
    await run('next version', repository, '2');
    await run('nothing new', repository, '2');
  }
  const rows = Object.entries({ 'webhook answered': answers, ...lags }).map(([what, times]) => [
    what,
    median(times).toFixed(0),
    quantile(times, 0.95).toFixed(0),
  ]);
  return [
    `## Pipeline: from the webhook to the published mapping, ${images} images of 100 kB, one after the other`,
    'The local stack: SQS and DynamoDB emulators, embedded registry, handlers in worker threads. Milliseconds.',
    '',
    markdownTable(['', 'median', '95 %'], rows),
  ].join('\n');
}
