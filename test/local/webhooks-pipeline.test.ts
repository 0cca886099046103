import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PresentedWebhook } from '../../core/webhooks/present-webhook.ts';
import { drayage } from '../support/drayage.ts';
import { type Pipeline, startPipeline } from '../support/pipeline.ts';
import { startScriptedServer } from '../support/scripted-server.ts';
import { seededImage } from '../support/seeded-image.ts';

describe('drayage webhooks at a running pipeline', () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await startPipeline();
    await pipeline.push('library/app', '1', seededImage({ seed: 'webhooks', layers: [{ size: 20_000 }] }));
    await pipeline.push('acme/app', '1', seededImage({ seed: 'webhooks', layers: [{ size: 20_000 }] }));
  });
  afterAll(() => pipeline[Symbol.asyncDispose]());

  const run = (args: string[], env: NodeJS.ProcessEnv = {}) =>
    drayage(['webhooks', ...args], { env: { ...process.env, DRAYAGE_API: pipeline.api, ...env } });
  const listed = async (name: string) =>
    JSON.parse((await run(['list', name, '--json'])).stdout) as PresentedWebhook;

  it('lists the webhooks, delivers to each, and sees that it arrived', async () => {
    expect((await listed('hub')).deliveredAt).toBeUndefined();
    for (const image of ['docker.io/library/app:1', 'ghcr.io/acme/app:1']) {
      const name = image.startsWith('ghcr.io') ? 'github' : 'hub';
      const result = await run(['test', name, '--image', image]);
      expect(result, result.stderr).toMatchObject({
        code: 0,
        stdout: expect.stringContaining(`${image}: committed`),
      });
      expect(await pipeline.mapping(image)).toBeDefined();
      expect((await listed(name)).acceptedAt).toBeDefined();
    }
    const { stdout } = await run(['list']);
    expect(stdout).toContain('the last that led to a job, just now');
  });

  it('fails a test if no rule names its image', async () => {
    const { code, stderr } = await run(['test', 'github', '--image', 'ghcr.io/other/app:1']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/ignored ghcr\.io\/other\/app:1: \w+/);
  });

  it('rotates a secret, then enters it and delivers with it', async () => {
    const before = await listed('github');
    const rotated = JSON.parse(
      (await run(['rotate', 'github', '--keep', '0s', '--json'])).stdout,
    ) as PresentedWebhook;
    expect(rotated.secret).not.toBe(before.secret);
    const hooks = '/orgs/acme/hooks';
    const found = [{ id: 7, config: { url: rotated.url, secret: '********' } }];
    const github = await startScriptedServer([
      { request: `GET ${hooks}?per_page=100`, answer: { status: 200, body: found } },
      { request: `PATCH ${hooks}/7`, answer: { status: 200, body: {} } },
    ]);
    const entered = await run(['register', 'github', '--endpoint', github.origin], {
      DRAYAGE_UPSTREAM_TOKEN: 'any',
    });
    expect(entered).toEqual({ code: 0, stdout: 'github at acme: was updated\n', stderr: '' });
    expect(JSON.parse(github.requests[1]?.body.toString() ?? '').config.secret).toBe(rotated.secret);

    const result = await run(['test', 'github', '--image', 'ghcr.io/acme/app:1']);
    expect(result, result.stderr).toMatchObject({ code: 0 });
  });
});
