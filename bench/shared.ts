import { type ApiJob, type Pipeline, startPipeline } from '../test/support/pipeline.ts';
import { sharedImages, sizesOf } from './corpus.ts';
import { interruptible } from './interruption.ts';
import { markdownTable } from './statistics.ts';

/**
 * Mirrors images that share a base, and measures how often the same bytes are read from the
 * upstream.
 */
export async function benchShared(): Promise<string> {
  const images = sharedImages();
  const sum = images.reduce((bytes, { image }) => bytes + sizesOf(image).bytes, 0);
  const unique = new Map(images.flatMap(({ image }) => [...image.blobs]));
  const uniqueBytes = [...unique.values()].reduce((bytes, blob) => bytes + blob.length, 0);
  const rows: string[][] = [];
  for (const [what, together] of [
    ['one after the other', false],
    ['all at once', true],
  ] as const) {
    const { jobs, crossed, seconds } = await mirrorAll(together);
    const mounted = jobs.reduce((bytes, job) => bytes + (job.transfer?.mounted.bytes ?? 0), 0);
    rows.push([
      what,
      megabytes(crossed),
      (crossed / uniqueBytes).toFixed(2),
      `${((crossed / sum) * 100).toFixed(0)} %`,
      megabytes(mounted),
      seconds.toFixed(2),
    ]);
  }
  return [
    '## Shared: 20 images over 5 repositories with the same base, through the local stack',
    `${megabytes(sum)} MB in all images, ${megabytes(uniqueBytes)} MB of them unique. MB: blobs read from upstream; mounted blobs are not read again.`,
    '',
    markdownTable(['', 'MB', 'to the unique', 'of the sum', 'mounted MB', 'seconds'], rows),
  ].join('\n');
}

async function mirrorAll(together: boolean): Promise<{ jobs: ApiJob[]; crossed: number; seconds: number }> {
  await using pipeline = await interruptible(() => startPipeline());
  const images = sharedImages();
  for (const { repository, tag, image } of images) await pipeline.push(repository, tag, image);
  pipeline.upstream.clearRequests();
  const started = performance.now();
  const jobs: ApiJob[] = [];
  if (together) {
    jobs.push(
      ...(await Promise.all(images.map((image) => mirrorOne(pipeline, image.repository, image.tag)))),
    );
  } else {
    for (const { repository, tag } of images) jobs.push(await mirrorOne(pipeline, repository, tag));
  }
  const seconds = (performance.now() - started) / 1000;
  const crossed = pipeline.upstream.requests
    .filter(({ method, path }) => method === 'GET' && path.includes('/blobs/'))
    .reduce((bytes, { bytesOut }) => bytes + bytesOut, 0);
  return { jobs, crossed, seconds };
}

async function mirrorOne(pipeline: Pipeline, repository: string, tag: string): Promise<ApiJob> {
  const answer = await pipeline.github(repository, tag);
  const { accepted } = (await answer.json()) as { accepted: { job: string }[] };
  return pipeline.jobIn(accepted[0]?.job ?? '', 'committed');
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
