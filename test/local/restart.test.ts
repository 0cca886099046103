import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Mapping } from '../../core/mapping/record.ts';
import { type EmbeddedRegistry, startRegistry } from '../../local/ecr/server.ts';
import { drayage, startDrayageLocal } from '../support/drayage.ts';
import { pushImage, seededImage } from '../support/seeded-image.ts';

describe('drayage local', () => {
  let folder: string;
  let upstream: EmbeddedRegistry;
  let config: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'drayage-test-'));
    upstream = await startRegistry({ flavour: 'distribution' });
    config = join(folder, 'mirror.yaml');
    writeFileSync(
      config,
      `version: 1
mirror: { regions: [eu-west-1] }
upstreams:
  - registry: docker.io
    endpoint: ${upstream.endpoint}
    webhook: { source: dockerhub }
    repositories: [{ match: "library/*" }]
`,
    );
  });
  afterAll(async () => {
    await upstream.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const send = (url: string, tag: string) =>
    fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ push_data: { tag }, repository: { repo_name: 'library/app' } }),
    });
  const mapped = async (api: string, tag: string): Promise<Mapping> => {
    for (const until = Date.now() + 20_000; Date.now() < until; await sleep(50)) {
      const response = await fetch(`${api}/v1/mappings?image=app:${tag}`);
      if (response.status === 200) return (await response.json()) as Mapping;
    }
    throw new Error(`app:${tag} is not mirrored after 20 s`);
  };

  it('keeps images, mappings and webhook secrets after a SIGKILL, and queues unfinished jobs again', async () => {
    const data = join(folder, 'data');
    const first = seededImage({ seed: 'first', layers: [{ size: 5_000 }] });
    const second = seededImage({ seed: 'second', layers: [{ size: 200_000 }] });
    await pushImage(upstream.endpoint, 'library/app', '1', first);
    await pushImage(upstream.endpoint, 'library/app', '2', second);

    await using before = await startDrayageLocal(['--config', config, '--data', data]);
    expect(before.ready).toMatchObject({ ready: true, webhooks: { dockerhub: { source: 'dockerhub' } } });
    const { url } = before.ready.webhooks.dockerhub ?? { url: '' };
    expect(url.startsWith(`${before.ready.api}/webhooks/dockerhub/`)).toBe(true);
    expect((await send(url, '1')).status).toBe(202);
    await mapped(before.ready.api, '1');
    // The second copy hangs in the middle when the process is killed.
    const remove = upstream.faults.add({
      match: { method: 'GET', path: second.layers[0]?.digest },
      action: { kind: 'stall', afterBytes: 1_000 },
    });
    expect((await send(url, '2')).status).toBe(202);
    await expect
      .poll(() => upstream.requests.some(({ path }) => path.includes(second.config.digest)))
      .toBe(true);
    await before.end('SIGKILL');
    remove();

    await using after = await startDrayageLocal(['--config', config, '--data', data]);
    const kept = await mapped(after.ready.api, '1');
    expect(kept).toMatchObject({ digest: first.manifest.digest, revision: 1 });
    expect(kept.mirror, 'the registry has another port now').toBe(
      `${after.ready.registry}/mirror/docker.io/library/app:1`,
    );
    expect((await mapped(after.ready.api, '2')).digest).toBe(second.manifest.digest);
    expect(new URL(after.ready.webhooks.dockerhub?.url ?? '').pathname).toBe(new URL(url).pathname);
    const manifest = await fetch(
      `http://${after.ready.registry}/v2/mirror/docker.io/library/app/manifests/1`,
    );
    expect(manifest.headers.get('docker-content-digest')).toBe(first.manifest.digest);
    expect(await after.end('SIGINT'), after.stderr()).toBe(0);
    expect(after.stdout().trim().split('\n'), 'only the first line is on standard output').toHaveLength(1);
  });

  it('refuses a data folder that is in use, and a port that is taken', async () => {
    const data = join(folder, 'shared');
    await using running = await startDrayageLocal(['--config', config, '--data', data]);
    const [inUse, taken] = await Promise.all([
      drayage(['local', '--config', config, '--data', data]),
      drayage(['local', '--config', config, '--port', new URL(running.ready.api).port]),
    ]);
    expect(inUse).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/in use by process \d+/),
    });
    expect(taken).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/port \d+ is in use/) });
    expect(await running.end('SIGTERM')).toBe(0);
  });

  it('reports every error of a configuration, and how to call it', async () => {
    const bad = join(folder, 'bad.yaml');
    writeFileSync(bad, 'version: 2\nmirror: {}\nupstreams: []\ntypo: 1\n');
    const result = await drayage(['local', '--config', bad]);
    expect(result.code).toBe(1);
    for (const path of ['version', 'mirror.regions', 'typo']) expect(result.stderr).toContain(path);
    expect((await drayage(['local', '--prot', '1'])).code).toBe(2);
    expect((await drayage(['local', '--port', 'x'])).code).toBe(2);
  });
});
