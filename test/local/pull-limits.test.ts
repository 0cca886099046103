import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { startPipeline } from '../support/pipeline.ts';
import { dockerHubConfig, startPullLimitedFront } from '../support/pull-limited-front.ts';
import { seededImage } from '../support/seeded-image.ts';

/** As Docker Hub's 100 manifests, in short. */
const limit = { manifests: 30, windowMs: 20_000 };
const tags = Array.from({ length: 45 }, (_, index) => `v${100 + index}`);
const imageOf = (tag: string) => seededImage({ seed: tag, layers: [{ size: 500 }] });

it('asks for no manifest beyond the limit, and has mirrored half as many more by the third window', async () => {
  let target = '';
  const front = await startPullLimitedFront(() => target);
  onTestFinished(() => front[Symbol.asyncDispose]());
  await using pipeline = await startPipeline({
    configure: () => dockerHubConfig(front.endpoint),
    mirrorInstances: 2,
    scheduleMs: 500,
  });
  target = pipeline.upstream.endpoint;
  await Promise.all(tags.map((tag) => pipeline.push('library/app', tag, imageOf(tag))));
  front.limit = limit;
  await pipeline.stack.functions.reconcile.invoke({ time: new Date().toISOString() });
  const wanted = tags.map((tag) => [`docker.io/library/app:${tag}`, imageOf(tag).manifest.digest]);
  const until = Date.now() + 3 * limit.windowMs;
  for (;;) {
    const answer = await pipeline.get('/v1/mappings?registry=docker.io&limit=100');
    const { mappings } = (await answer.json()) as { mappings: { image: string; digest: string }[] };
    const mapped = new Map(mappings.map(({ image, digest }) => [image, digest]));
    const missing = wanted.filter(([image = '', digest]) => mapped.get(image) !== digest);
    if (missing.length === 0) break;
    if (Date.now() > until)
      throw new Error(`${missing.length} are missing: ${JSON.stringify(front.windows)}`);
    await sleep(200);
  }
  const { windows } = front;
  expect(windows.length, JSON.stringify(windows)).toBeLessThanOrEqual(3);
  expect(windows.map(({ beyond }) => beyond)).toEqual(windows.map(() => 0));
  // One for each image: what was refused a permission was not read halfway before.
  expect(windows.reduce((sum, { manifests }) => sum + manifests, 0)).toBe(tags.length);
  const failed = await pipeline.get('/v1/jobs?state=failed&limit=10');
  expect(await failed.json()).toEqual({ jobs: [] });
}, 120_000);
