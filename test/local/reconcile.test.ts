import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Config } from '../../core/config/config.ts';
import { drayage } from '../support/drayage.ts';
import { mirrorEcr } from '../support/mirror-ecr.ts';
import { type Pipeline, pipelineConfig, startPipeline } from '../support/pipeline.ts';
import { type SeededImage, seededImage } from '../support/seeded-image.ts';

const image = (seed: string) => seededImage({ seed, layers: [{ size: 1_000 }] });

/** One upstream, whose rules differ in what a deletion does. */
function configure(endpoint: string): Config {
  const config = pipelineConfig(endpoint);
  const [upstream] = config.upstreams;
  const usual = upstream?.repositories.at(-1);
  if (!upstream || !usual) throw new Error('no rule');
  const unmap = { ...usual, match: 'acme/gone', deleted: 'unmap' as const };
  return { ...config, upstreams: [{ ...upstream, repositories: [unmap, usual] }] };
}

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await startPipeline({ configure });
});
afterAll(() => pipeline?.[Symbol.asyncDispose]());

/** Waits until a tag of ghcr.io is mapped to an image. */
async function mapped(name: string, seed: string): Promise<void> {
  const { digest } = image(seed).manifest;
  await vi.waitFor(
    async () => expect((await pipeline.mapping(`ghcr.io/${name}`))?.digest, name).toBe(digest),
    { timeout: 40_000, interval: 100 },
  );
}

/** Deletes an image of the upstream, with its tags. */
async function deleteImage(repository: string, { manifest }: SeededImage): Promise<void> {
  const url = `${pipeline.upstream.endpoint}/v2/${repository}/manifests/${manifest.digest}`;
  expect((await fetch(url, { method: 'DELETE' })).status).toBe(202);
}

/** Compares what is due, as the schedule does; all of it if somebody asks. */
async function compare(asked?: { repository?: string }): Promise<void> {
  if (asked) expect((await pipeline.post('/v1/reconcile', asked)).status).toBe(202);
  await pipeline.stack.functions.reconcile.invoke({ time: new Date().toISOString() });
}

it('mirrors what the rules name without any event, then only what has changed', async () => {
  await pipeline.push('acme/app', '1.0', image('first'));
  await pipeline.push('acme/app', '1.0-rc1', image('candidate'));
  await pipeline.push('acme/web', '2', image('second'));
  await pipeline.push('library/other', '1', image('third'));
  await compare();
  await mapped('acme/app:1.0', 'first');
  await mapped('acme/web:2', 'second');
  expect(await pipeline.mapping('ghcr.io/acme/app:1.0-rc1')).toBeUndefined();

  await pipeline.push('acme/app', '1.0', image('moved'));
  pipeline.upstream.clearRequests();
  await compare();
  expect(pipeline.upstream.requests).toEqual([]);
  await compare({ repository: 'ghcr.io/acme/app' });
  await mapped('acme/app:1.0', 'moved');
  const asked = pipeline.upstream.requests.map(({ path }) => path);
  expect(asked).toContain('/v2/acme/app/tags/list');
  expect(asked.filter((path) => path.includes('web') || path.includes('_catalog'))).toEqual([]);
});

it('removes and mirrors again what the mirror has lost, although no event said so', async () => {
  await pipeline.push('acme/lost', '1', image('lost'));
  await compare({});
  await mapped('acme/lost:1', 'lost');
  const revision = async () => (await pipeline.mapping('ghcr.io/acme/lost:1'))?.revision ?? 0;
  const before = await revision();
  const ecr = mirrorEcr(pipeline);
  await ecr.remove('mirror/ghcr.io/acme/lost', { imageTag: '1' });
  ecr.close();
  await compare({});
  await vi.waitFor(async () => expect(await revision()).toBeGreaterThan(before), 40_000);
});

it('unmaps what is gone upstream where the rule says so, and keeps it elsewhere', async () => {
  const names = ['gone', 'kept'];
  for (const name of names) {
    for (const tag of ['1', '2']) await pipeline.push(`acme/${name}`, tag, image(`${name} ${tag}`));
  }
  await compare({});
  for (const name of names) {
    for (const tag of ['1', '2']) await mapped(`acme/${name}:${tag}`, `${name} ${tag}`);
  }
  for (const name of names) await deleteImage(`acme/${name}`, image(`${name} 1`));
  // A list that fails says nothing.
  pipeline.upstream.faults.add({
    match: { path: '/acme/gone/tags/list', times: 1 },
    action: { kind: 'status', status: 404 },
  });
  for (const isMapped of [true, false]) {
    await compare({});
    const mapping = await pipeline.mapping('ghcr.io/acme/gone:1');
    expect(mapping !== undefined).toBe(isMapped);
    for (const name of ['gone:2', 'kept:1', 'kept:2'])
      expect(await pipeline.mapping(`ghcr.io/acme/${name}`), name).toBeDefined();
  }
  const history = await pipeline.get('/v1/mappings/history?image=ghcr.io/acme/gone:1');
  expect(await history.json()).toMatchObject({ history: [{ removed: { reason: 'deleted_upstream' } }] });
});

it('compares only what a rule covers', async () => {
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
  const one = await pipeline.post('/v1/reconcile', { repository: 'ghcr.io/acme/app' });
  expect(await one.json()).toEqual({ requested: [{ registry: 'ghcr.io', repository: 'acme/app' }] });
  const all = await pipeline.post('/v1/reconcile', {});
  expect(await all.json()).toEqual({ requested: [{ registry: 'ghcr.io' }] });
});

it('is what drayage reconcile asks for', async () => {
  const reconcile = (...args: string[]) => drayage(['reconcile', ...args, '--api', pipeline.api]);
  expect(await reconcile('ghcr.io/acme/app', '--no-wait')).toMatchObject({
    code: 0,
    stdout: 'ghcr.io/acme/app  will be compared\n',
  });
  const all = await reconcile('--json', '--no-wait');
  expect(JSON.parse(all.stdout)).toEqual({ requested: [{ registry: 'ghcr.io' }] });
  const refused = await reconcile('quay.io/acme/app');
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toContain('no upstream is configured for the registry quay.io');
  expect((await reconcile('not a reference')).code).toBe(2);
  expect((await reconcile('--dry-run', '--no-wait')).code).toBe(2);
  expect(await reconcile('ghcr.io/acme/app', '--timeout', '1s')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('not done within 1 s; the deployment goes on'),
  });
});

describe('drayage reconcile', () => {
  /** Runs the command while the schedule calls the function. */
  const followed = async (...args: string[]) => {
    const command = drayage(['reconcile', ...args, '--api', pipeline.api]);
    let isOver = false;
    const calls = (async () => {
      while (!isOver) {
        await pipeline.stack.functions.reconcile.invoke({ time: new Date().toISOString() });
        await sleep(200);
      }
    })();
    const ended = await command;
    isOver = true;
    await calls;
    return ended;
  };

  it('--dry-run tells what would be done, and changes nothing', async () => {
    // What the tests before have asked for.
    await compare();
    await pipeline.push('acme/dry', '1.0', image('dry'));
    const [one, all] = [
      await followed('ghcr.io/acme/dry', '--dry-run'),
      await followed('--dry-run', '--json'),
    ];
    expect(one).toMatchObject({
      code: 0,
      stdout: [
        'ghcr.io/acme/dry: 1 repository compared, 1 would be queued',
        'IMAGE                 WOULD  WHY',
        'ghcr.io/acme/dry:1.0  queue  it is not mirrored yet',
        '',
      ].join('\n'),
      stderr: expect.stringContaining('nothing was changed'),
    });
    const { dryRuns } = JSON.parse(all.stdout);
    expect(dryRuns[0].wouldDo).toContainEqual({
      action: 'queue',
      repository: 'acme/dry',
      tag: '1.0',
      why: 'missing',
    });
    expect(await pipeline.mapping('ghcr.io/acme/dry:1.0')).toBeUndefined();
  });

  it('follows a comparison to its end, and says what could not be compared', async () => {
    expect(await followed('ghcr.io/acme/dry')).toMatchObject({
      code: 0,
      stdout: 'ghcr.io/acme/dry  compared: 1 tag, 1 selected, 1 queued\n',
    });
    await mapped('acme/dry:1.0', 'dry');
    pipeline.upstream.faults.add({
      match: { path: '/acme/dry/tags/list' },
      action: { kind: 'status', status: 403 },
    });
    const failed = await followed('ghcr.io/acme/dry');
    expect(failed).toMatchObject({ code: 1, stdout: '' });
    expect(failed.stderr).toContain('ghcr.io/acme/dry could not be compared');
    const everything = await followed();
    expect(everything.code).toBe(1);
    expect(everything.stdout).toMatch(
      /^ghcr\.io {2}compared: \d+ repositories, except 1\nghcr\.io\/acme\/dry could not be compared/,
    );
    const status = await drayage(['status', '--api', pipeline.api]);
    expect(status.stdout).toMatch(/^ghcr\.io +\d+ +just now +[\d :-]+ +acme\/dry failed: /m);

    pipeline.upstream.faults.clear();
    expect(await followed()).toMatchObject({ code: 0 });
    const { upstreams } = (await (await pipeline.get('/v1/status')).json()) as {
      upstreams: { reconcile: object }[];
    };
    expect(upstreams[0]?.reconcile).toMatchObject({
      due: 0,
      isSearchDue: false,
      failing: [],
      complete: true,
    });
  });
});
