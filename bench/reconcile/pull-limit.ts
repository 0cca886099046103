import { setTimeout as sleep } from 'node:timers/promises';
import { startPipeline } from '../../test/support/pipeline.ts';
import { dockerHubConfig, startPullLimitedFront } from '../../test/support/pull-limited-front.ts';
import { seededImage } from '../../test/support/seeded-image.ts';

const limit = { manifests: 100, windowMs: 60_000 };
const tags = Array.from({ length: 150 }, (_, index) => `v${1_000 + index}`);
const imageOf = (generation: string, tag: string) =>
  seededImage({ seed: `${generation} ${tag}`, layers: [{ size: 2_000 }] });

/**
 * 150 mirrored images change at an upstream that lets 100 manifests be read in a minute, without
 * counting HEAD, as Docker Hub does in six hours.
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
  const push = (generation: string) =>
    Promise.all(tags.map((tag) => pipeline.push('library/app', tag, imageOf(generation, tag))));
  const compare = async () => {
    await pipeline.post('/v1/reconcile', {});
    await pipeline.stack.functions.reconcile.invoke({ time: new Date().toISOString() });
  };
  const arrived = async (generation: string) => {
    const wanted = new Map(
      tags.map((tag) => [`docker.io/library/app:${tag}`, imageOf(generation, tag).manifest.digest]),
    );
    for (const until = Date.now() + 5 * 60_000; ; await sleep(200)) {
      const answer = await pipeline.get('/v1/mappings?registry=docker.io&limit=200');
      const { mappings } = (await answer.json()) as { mappings: { image: string; digest: string }[] };
      if (mappings.filter(({ image, digest }) => wanted.get(image) === digest).length === tags.length) return;
      if (Date.now() > until) throw new Error(`not all have arrived: ${JSON.stringify(front.windows)}`);
    }
  };
  await push('first');
  await compare();
  await arrived('first');
  await push('second');
  front.limit = limit;
  front.heads = 0;
  const began = performance.now();
  const comparing = compare();
  await arrived('second');
  const seconds = (performance.now() - began) / 1_000;
  await comparing;
  const { windows, heads } = front;
  const failed = (await (await pipeline.get('/v1/jobs?state=failed&limit=10')).json()) as { jobs: unknown[] };
  const beyond = windows.reduce((sum, window) => sum + window.beyond, 0);
  if (windows.length > 3 || beyond > 0 || failed.jobs.length > 0)
    throw new Error(JSON.stringify({ windows, failed }));
  return [
    `## ${tags.length} changed images, ${limit.manifests} manifests a minute`,
    `All arrived ${seconds.toFixed(0)} s after the comparison began, in ${windows.length} windows of 60 s: ${windows.map(({ manifests }) => manifests).join(', ')} manifests, none beyond the limit, and ${heads} HEAD. No job failed.`,
  ].join('\n\n');
}
