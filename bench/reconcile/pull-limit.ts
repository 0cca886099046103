import { setTimeout as sleep } from 'node:timers/promises';
import { startPipeline } from '../../test/support/pipeline.ts';
import { dockerHubConfig, startPullLimitedFront } from '../../test/support/pull-limited-front.ts';
import { seededImage } from '../../test/support/seeded-image.ts';

const limit = { manifests: 100, windowMs: 60_000 };
const [repositories, tags] = [10, 15];
const images = Array.from({ length: repositories * tags }, (_, n) => {
  const [repository, tag] = [`library/app-${n % repositories}`, `v${Math.floor(n / repositories)}`];
  return { repository, tag, image: seededImage({ seed: `${repository} ${tag}`, layers: [{ size: 2_000 }] }) };
});

/**
 * A comparison finds 150 images at an upstream that lets 100 manifests be read in a minute, without
 * counting HEAD, as Docker Hub does in six hours. The bench fails if it has to refuse one.
 */
export async function benchPullLimit(): Promise<string> {
  let target = '';
  await using front = await startPullLimitedFront(() => target);
  const config = dockerHubConfig(front.endpoint);
  await using pipeline = await startPipeline({
    configure: () => config,
    mirrorInstances: 4,
    scheduleMs: 5_000,
  });
  target = pipeline.upstream.endpoint;
  await Promise.all(images.map(({ repository, tag, image }) => pipeline.push(repository, tag, image)));
  front.limit = limit;
  const began = performance.now();
  const comparing = pipeline.stack.functions.reconcile.invoke({ time: new Date().toISOString() });
  const wanted = new Map(
    images.map(({ repository, tag, image }) => [`docker.io/${repository}:${tag}`, image.manifest.digest]),
  );
  for (const until = Date.now() + 5 * 60_000; ; await sleep(1_000)) {
    const answer = await pipeline.get('/v1/mappings?registry=docker.io&limit=200');
    const { mappings } = (await answer.json()) as { mappings: { image: string; digest: string }[] };
    const arrived = mappings.filter(({ image, digest }) => wanted.get(image) === digest).length;
    process.stderr.write(`reconcile: ${arrived} of ${images.length}\n`);
    if (arrived === images.length) break;
    if (Date.now() > until) throw new Error(`not all have arrived: ${JSON.stringify(front.windows)}`);
  }
  const seconds = (performance.now() - began) / 1_000;
  await comparing;
  const { windows, heads } = front;
  const failed = (await (await pipeline.get('/v1/jobs?state=failed&limit=10')).json()) as { jobs: unknown[] };
  const beyond = windows.reduce((sum, window) => sum + window.beyond, 0);
  if (windows.length > 3 || beyond > 0 || failed.jobs.length > 0)
    throw new Error(JSON.stringify({ windows, failed }));
  return [
    `## ${images.length} images, ${limit.manifests} manifests a minute`,
    `All arrived ${seconds.toFixed(0)} s after the comparison began, in ${windows.length} windows of 60 s: ${windows.map(({ manifests }) => manifests).join(', ')} manifests, none beyond the limit, and ${heads} HEAD. No job failed.`,
  ].join('\n\n');
}
