import { expect, it, vi } from 'vitest';
import type { Config } from '../../core/config/config.ts';
import { mirrorEcr } from '../support/mirror-ecr.ts';
import { type Pipeline, pipelineConfig, startPipeline } from '../support/pipeline.ts';
import { type SeededImage, seededImage } from '../support/seeded-image.ts';

const image = (seed: string) => seededImage({ seed, layers: [{ size: 1_000 }] });

/** Waits until a tag of ghcr.io is mapped to an image. */
async function mapped(pipeline: Pipeline, name: string, seed: string): Promise<void> {
  const { digest } = image(seed).manifest;
  await vi.waitFor(
    async () => expect((await pipeline.mapping(`ghcr.io/${name}`))?.digest, name).toBe(digest),
    { timeout: 20_000, interval: 100 },
  );
}

/** Deletes an image of the upstream, with its tags. */
async function deleteImage(pipeline: Pipeline, repository: string, { manifest }: SeededImage): Promise<void> {
  const url = `${pipeline.upstream.endpoint}/v2/${repository}/manifests/${manifest.digest}`;
  expect((await fetch(url, { method: 'DELETE' })).status).toBe(202);
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

it('unmaps what is gone upstream where the rule says so, and keeps it elsewhere', async () => {
  const configure = (endpoint: string): Config => {
    const config = pipelineConfig(endpoint);
    const [first, ...others] = config.upstreams;
    const usual = first?.repositories.at(-1);
    if (!first || !usual) throw new Error('no rule');
    const rules = [{ ...usual, match: 'acme/gone', deleted: 'unmap' as const }, usual];
    return { ...config, upstreams: [{ ...first, repositories: rules }, ...others] };
  };
  await using pipeline = await startPipeline({ configure });
  for (const name of ['gone', 'kept']) {
    for (const tag of ['1', '2']) await pipeline.push(`acme/${name}`, tag, image(`${name} ${tag}`));
  }
  await compare(pipeline);
  for (const name of ['gone', 'kept']) {
    for (const tag of ['1', '2']) await mapped(pipeline, `acme/${name}:${tag}`, `${name} ${tag}`);
  }
  for (const name of ['gone', 'kept']) await deleteImage(pipeline, `acme/${name}`, image(`${name} 1`));
  // A list that fails says nothing.
  pipeline.upstream.faults.add({
    match: { path: '/acme/gone/tags/list', times: 2 },
    action: { kind: 'status', status: 404 },
  });
  for (const isMapped of [true, false]) {
    await pipeline.post('/v1/reconcile', {});
    await compare(pipeline);
    const mapping = await pipeline.mapping('ghcr.io/acme/gone:1');
    expect(mapping !== undefined).toBe(isMapped);
    for (const name of ['gone:2', 'kept:1', 'kept:2'])
      expect(await pipeline.mapping(`ghcr.io/acme/${name}`), name).toBeDefined();
  }
  const history = await pipeline.get('/v1/mappings/history?image=ghcr.io/acme/gone:1');
  expect(await history.json()).toMatchObject({ history: [{ removed: { reason: 'deleted_upstream' } }] });
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
