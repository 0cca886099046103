import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Mapping } from '../../core/mapping/record.ts';
import { type DockerRegistry, freePort, startDockerRegistry } from '../support/docker-registry.ts';
import { type RunningLocal, startDrayageLocal } from '../support/drayage.ts';
import type { ApiJob } from '../support/pipeline.ts';
import { pushImage, seededImage, seededIndex } from '../support/seeded-image.ts';
import { skopeo, skopeoDigest } from '../support/skopeo.ts';

describe('docker-registry as upstream', () => {
  let folder: string;
  let local: RunningLocal;
  let upstream: DockerRegistry;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'drayage-consumers-'));
    const port = await freePort();
    const config = join(folder, 'mirror.yaml');
    writeFileSync(
      config,
      `version: 1
mirror: { regions: [eu-west-1] }
upstreams:
  - registry: docker.io
    endpoint: http://127.0.0.1:${port}
    webhook: { source: dockerhub }
    repositories: [{ match: "library/*" }]
  - registry: 127.0.0.1:${port}
    endpoint: http://127.0.0.1:${port}
    webhook: { source: distribution }
    repositories: [{ match: "team/**" }]
`,
    );
    local = await startDrayageLocal(['--config', config]);
    const { url = '', secret = '' } = local.ready.webhooks.distribution ?? {};
    upstream = await startDockerRegistry({ port, notify: { url, authorization: secret } });
  });
  afterAll(async () => {
    await local?.[Symbol.asyncDispose]();
    await upstream?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const mapped = async (image: string, digest: string): Promise<Mapping> => {
    let last = '';
    for (const until = Date.now() + 20_000; Date.now() < until; await sleep(50)) {
      const response = await fetch(`${local.ready.api}/v1/mappings?image=${encodeURIComponent(image)}`);
      last = await response.text();
      if (response.ok && (JSON.parse(last) as Mapping).digest === digest) return JSON.parse(last) as Mapping;
    }
    throw new Error(`${image} is not mapped to ${digest} but ${last}\n${local.stderr()}`);
  };
  /** A job that has ended, which it does a moment after its mapping is published. */
  const job = async (id: string): Promise<ApiJob> => {
    for (const until = Date.now() + 20_000; ; await sleep(50)) {
      const found = (await (await fetch(`${local.ready.api}/v1/jobs/${id}`)).json()) as ApiJob;
      if (!['queued', 'waiting', 'copying'].includes(found.state) || Date.now() > until) return found;
    }
  };
  const dockerHub = (name: string, tag: string) =>
    fetch(local.ready.webhooks.dockerhub?.url ?? '', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        callback_url: 'http://127.0.0.1:9/never-called',
        push_data: { pushed_at: 1_760_000_000, pusher: 'ci', tag },
        repository: { repo_name: name, namespace: name.split('/')[0], status: 'Active' },
      }),
    });

  const base = { size: 3_000_000, seed: 'shared base' };

  it("mirrors what a webhook like Docker Hub's names, and skopeo reads the same digest", async () => {
    const image = seededImage({ seed: 'one', layers: [base, { size: 40_000 }], mediaTypes: 'docker' });
    await pushImage(upstream.endpoint, 'library/one', '1.0', image);
    expect((await dockerHub('library/one', '1.0')).status).toBe(202);

    const mapping = await mapped('one:1.0', image.manifest.digest);
    expect(await skopeoDigest(mapping.mirror)).toBe(image.manifest.digest);
    const copy = join(folder, 'copy');
    await skopeo(
      'copy',
      '--preserve-digests',
      '--src-tls-verify=false',
      `docker://${mapping.mirror}`,
      `dir:${copy}`,
    );
    expect(await skopeo('manifest-digest', join(copy, 'manifest.json'))).toContain(image.manifest.digest);
  });

  it('finds shared layers present, and reads none of them from upstream', async () => {
    const image = seededImage({ seed: 'two', layers: [base, { size: 50_000 }], mediaTypes: 'docker' });
    await pushImage(upstream.endpoint, 'library/one', '2.0', image);
    const before = upstream.accessLog().length;
    await dockerHub('library/one', '2.0');

    const { transfer } = await job((await mapped('one:2.0', image.manifest.digest)).job);
    expect(transfer).toMatchObject({ copied: { blobs: 2 }, present: { blobs: 1, bytes: base.size } });
    const asked = upstream
      .accessLog()
      .slice(before)
      .filter((line) => line.includes('/blobs/'));
    expect(asked.length).toBe(2);
    expect(asked.join('\n')).not.toContain(image.layers[0]?.digest);
  });

  it("mirrors a plain push that docker-registry's own notification reports, and a moved tag", async () => {
    const image = (seed: string) => seededImage({ seed, layers: [{ size: 30_000 }] });
    const name = `${upstream.host}/team/web/front:stable`;
    for (const seed of ['first', 'second']) {
      await pushImage(upstream.endpoint, 'team/web/front', 'stable', image(seed));
      const mapping = await mapped(name, image(seed).manifest.digest);
      expect(mapping.mirror).toContain(
        `/mirror/127.0.0.1_${upstream.host.split(':')[1]}/team/web/front:stable`,
      );
      expect(await skopeoDigest(mapping.mirror)).toBe(image(seed).manifest.digest);
    }
  });

  it('mirrors an index pushed by skopeo', async () => {
    const index = seededIndex({ seed: 'multi', layers: [{ size: 20_000 }] });
    await pushImage(upstream.endpoint, 'staging/multi', '1', index);
    await skopeo(
      ...['copy', '--all', '--preserve-digests', '--src-tls-verify=false', '--dest-tls-verify=false'],
      `docker://${upstream.host}/staging/multi:1`,
      `docker://${upstream.host}/team/multi:1`,
    );
    const mapping = await mapped(`${upstream.host}/team/multi:1`, index.manifest.digest);
    expect(mapping.platforms).toEqual(['linux/amd64', 'linux/arm64/v8']);
  });
});
