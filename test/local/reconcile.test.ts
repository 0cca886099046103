import { expect, it, vi } from 'vitest';
import { mirrorEcr } from '../support/mirror-ecr.ts';
import { type Pipeline, startPipeline } from '../support/pipeline.ts';
import { seededImage } from '../support/seeded-image.ts';

const image = (seed: string) => seededImage({ seed, layers: [{ size: 1_000 }] });

/** Waits until a tag of ghcr.io is mapped to an image. */
async function mapped(pipeline: Pipeline, name: string, seed: string): Promise<void> {
  const { digest } = image(seed).manifest;
  await vi.waitFor(
    async () => expect((await pipeline.mapping(`ghcr.io/${name}`))?.digest, name).toBe(digest),
    { timeout: 20_000, interval: 100 },
  );
}

/** Compares now, as the schedule does, until nothing is due. */
async function compare(pipeline: Pipeline) {
  return await pipeline.stack.functions.reconcile.invoke({ time: new Date().toISOString() });
}

it('mirrors what the rules name without any event, then only what has changed', async () => {
  await using pipeline = await startPipeline();
  await pipeline.push('acme/app', '1.0', image('first'));
  await pipeline.push('acme/app', '1.0-rc1', image('candidate'));
  await pipeline.push('acme/web', '2', image('second'));
  await pipeline.push('library/other', '1', image('third'));
  await compare(pipeline);
  await mapped(pipeline, 'acme/app:1.0', 'first');
  await mapped(pipeline, 'acme/web:2', 'second');
  expect(await pipeline.mapping('ghcr.io/acme/app:1.0-rc1')).toBeUndefined();

  await pipeline.push('acme/app', '1.0', image('moved'));
  await compare(pipeline);
  expect((await pipeline.mapping('ghcr.io/acme/app:1.0'))?.digest).toBe(image('first').manifest.digest);
  pipeline.upstream.clearRequests();
  const asked = await pipeline.post('/v1/reconcile', { repository: 'ghcr.io/acme/app' });
  expect([asked.status, await asked.json()]).toEqual([
    202,
    { requested: [{ registry: 'ghcr.io', repository: 'acme/app' }] },
  ]);
  await compare(pipeline);
  await mapped(pipeline, 'acme/app:1.0', 'moved');
  expect(pipeline.upstream.requests.map(({ path }) => path).filter((path) => path.includes('web'))).toEqual(
    [],
  );
});

it('removes and mirrors again what the mirror has lost, although no event said so', async () => {
  await using pipeline = await startPipeline();
  await pipeline.push('acme/lost', '1', image('lost'));
  await compare(pipeline);
  await mapped(pipeline, 'acme/lost:1', 'lost');
  const before = (await pipeline.mapping('ghcr.io/acme/lost:1'))?.revision ?? 0;
  const ecr = mirrorEcr(pipeline);
  await ecr.remove('mirror/ghcr.io/acme/lost', { imageTag: '1' });
  ecr.close();
  await pipeline.post('/v1/reconcile', {});
  await compare(pipeline);
  await vi.waitFor(
    async () => expect((await pipeline.mapping('ghcr.io/acme/lost:1'))?.revision).toBeGreaterThan(before),
    20_000,
  );
});

it('compares only what a rule covers', async () => {
  await using pipeline = await startPipeline();
  const asked = async (repository: unknown) => {
    const answer = await pipeline.post('/v1/reconcile', { repository });
    const { error } = (await answer.json()) as { error?: { code: string } };
    return [answer.status, error?.code];
  };
  expect(await asked('quay.io/acme/app')).toEqual([403, 'not_configured']);
  expect(await asked('ghcr.io/other/app')).toEqual([403, 'not_configured']);
  expect(await asked('ghcr.io/acme/app:1.0')).toEqual([400, 'invalid_reference']);
  expect(await asked('ghcr.io/UPPER')).toEqual([400, 'invalid_reference']);
  expect(await asked(5)).toEqual([400, 'invalid_request']);
  const all = await pipeline.post('/v1/reconcile', {});
  expect([all.status, ((await all.json()) as { requested: object[] }).requested.length]).toEqual([202, 3]);
});
