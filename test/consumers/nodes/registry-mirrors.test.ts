import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateRepositoryCommand, ECRClient } from '@aws-sdk/client-ecr';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRegistry } from '../../../local/ecr/server.ts';
import { drayage } from '../../support/drayage.ts';
import { findProgram } from '../../support/find-program.ts';
import { writeMappingFile } from '../../support/mapping-file.ts';
import { type Pipeline, startPipeline } from '../../support/pipeline.ts';
import { programImage } from '../../support/program-image.ts';
import { pushImage } from '../../support/push-image.ts';
import { removeFolder } from '../../support/remove-mounts.ts';
import { startTestProxy, type TestProxy } from '../../support/test-proxy.ts';
import { type NodeProgram, podmanIn, runProgram, startContainerd } from './programs.ts';

/** busybox alone, which prints the text and lingers. */
const printing = (text: string) =>
  programImage({
    programs: {
      '/bin/busybox': findProgram({
        title: 'busybox',
        name: 'busybox',
        variable: 'DRAYAGE_BUSYBOX',
        remedy: 'apt-get install busybox-static',
      }),
    },
    // ctr loses what a container prints right before it ends.
    entrypoint: ['/bin/busybox', 'sh', '-c', 'echo "$0"; exec /bin/busybox sleep 2', text],
  });
const shop = await printing('hello from the shop');
const nginx = await printing('hello from nginx');

/** What stands in a Pod, and what it prints. */
const references = [
  ['docker.io/library/nginx:1.27', 'hello from nginx'],
  [`docker.io/library/nginx@${nginx.manifest.digest}`, 'hello from nginx'],
  ['ghcr.io/acme/shop:1.0', 'hello from the shop'],
  [`ghcr.io/acme/shop@${shop.manifest.digest}`, 'hello from the shop'],
] as const;

/** A mirror that asks for its password, with the shop, and the mapping that tells of it. */
async function signedMirror() {
  const registry = await startRegistry({ flavour: 'ecr', auth: true });
  const repository = 'mirror/ghcr.io/acme/shop';
  const client = new ECRClient({
    endpoint: registry.endpoint,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  await client.send(new CreateRepositoryCommand({ repositoryName: repository }));
  client.destroy();
  const authorization = `Basic ${Buffer.from(`AWS:${registry.password}`).toString('base64')}`;
  await pushImage(registry.endpoint, repository, '1.0', shop, { authorization });
  const { digest } = shop.manifest;
  const [mirror, pinned] = [`${registry.host}/${repository}:1.0`, `${registry.host}/${repository}@${digest}`];
  const mappings = [{ image: 'ghcr.io/acme/shop:1.0', mirror, pinned, digest }];
  return {
    registry,
    mapping: JSON.stringify({ version: 1, mappings }),
    [Symbol.asyncDispose]: () => registry.stop(),
  };
}

describe('nodes that are told of the mirror', () => {
  let pipeline: Pipeline;
  let folder: string;
  let mapping: string;
  beforeAll(async () => {
    pipeline = await startPipeline();
    folder = mkdtempSync(join(tmpdir(), 'drayage-nodes-'));
    mapping = join(folder, 'mapping.json');
    await writeMappingFile(pipeline, { shop, nginx }, mapping);
  });
  afterAll(async () => {
    await pipeline[Symbol.asyncDispose]();
    removeFolder(folder);
  });

  const exported = async (...args: string[]) => {
    const result = await drayage(['export', ...args], { env: { ...process.env, DRAYAGE_API: pipeline.api } });
    expect(result, result.stderr).toMatchObject({ code: 0, stderr: '' });
    return result.stdout;
  };
  /** The export, from the API, once it has both images. */
  const fresh = async (format: string) => {
    const isWhole = (text: string) => text.includes('mirror/docker.io') && text.includes('mirror/ghcr.io');
    await expect.poll(() => exported(format), { timeout: 60_000 }).toSatisfy(isWhole);
    return await exported(format);
  };

  /** The manifests that the mirror has served since. */
  const served = () =>
    pipeline.stack.registry.requests
      .filter(({ path, status }) => path.includes('/manifests/') && status === 200)
      .map(({ path }) => path);

  async function pullsFromTheMirror(program: NodeProgram, proxy: TestProxy): Promise<void> {
    for (const [reference, text] of references) {
      pipeline.stack.registry.clearRequests();
      await program.pull(reference, { proxy: proxy.url });
      const repository = reference.slice(0, reference.search(/[:@]/));
      expect(served().length, reference).toBeGreaterThan(0);
      for (const path of served()) expect(path).toContain(`/v2/mirror/${repository}/manifests/`);
      expect(await program.run(reference)).toBe(`${text}\n`);
    }
    expect(proxy.asked, 'upstreams were asked').toEqual([]);
    // What the mirror does not have is asked of the upstream, which shows that the proxy counts.
    await expect(program.pull('docker.io/library/nginx:9', { proxy: proxy.url })).rejects.toThrow();
    expect(proxy.asked.join()).toContain('docker.io:443');
  }

  it('podman pulls and runs, with registries.conf', async () => {
    const file = join(folder, 'podman.conf');
    writeFileSync(file, await fresh('registries-conf'));
    await pullsFromTheMirror(podmanIn(folder, file), await startTestProxy({}));
  });

  it('skopeo pulls what podman then runs, with registries.conf', async () => {
    const file = join(folder, 'skopeo.conf');
    writeFileSync(file, await exported('registries-conf', '--mapping', mapping));
    const own = mkdtempSync(join(folder, 'skopeo-'));
    const podman = podmanIn(own, file);
    const storage = `[overlay@${join(own, 'root')}+${join(own, 'runroot')}]`;
    const skopeo: NodeProgram = {
      async pull(reference, { proxy }) {
        const target = `containers-storage:${storage}${reference}`;
        const env = { ...process.env, HTTPS_PROXY: proxy, HTTP_PROXY: proxy, NO_PROXY: '127.0.0.1' };
        const args = [
          '--registries-conf',
          file,
          '--insecure-policy',
          'copy',
          `docker://${reference}`,
          target,
        ];
        await runProgram('skopeo', args, env);
      },
      run: podman.run,
    };
    await pullsFromTheMirror(skopeo, await startTestProxy({}));
  });

  it('containerd signs in at a mirror whose password the script got, and only root can read it', async () => {
    await using mirror = await signedMirror();
    const own = mkdtempSync(join(folder, 'signed-'));
    const file = join(own, 'mapping.json');
    writeFileSync(file, mirror.mapping);
    const script = join(own, 'containerd.sh');
    writeFileSync(script, await exported('containerd', '--mapping', file));
    const hosts = join(own, 'certs.d');
    const proxy = await startTestProxy({});
    await using containerd = await startContainerd(join(own, 'containerd'), hosts, { proxy: proxy.url });
    execFileSync('sh', [script, hosts]);
    await expect(containerd.pull('ghcr.io/acme/shop:1.0', { proxy: proxy.url })).rejects.toThrow();
    const env = { ...process.env, DRAYAGE_MIRROR_PASSWORD: mirror.registry.password };
    execFileSync('sh', [script, hosts], { env });
    await containerd.pull('ghcr.io/acme/shop:1.0', { proxy: proxy.url });
    expect(await containerd.run('ghcr.io/acme/shop:1.0')).toBe('hello from the shop\n');
    expect(statSync(join(hosts, 'ghcr.io/hosts.toml')).mode & 0o077).toBe(0);
  });

  it('containerd pulls and runs, with the hosts.toml that the script writes', async () => {
    const hosts = join(folder, 'certs.d');
    const script = join(folder, 'containerd.sh');
    writeFileSync(script, await fresh('containerd'));
    chmodSync(script, 0o755);
    execFileSync(script, [hosts]);
    const proxy = await startTestProxy({});
    await using containerd = await startContainerd(join(folder, 'containerd'), hosts, { proxy: proxy.url });
    await pullsFromTheMirror(containerd, proxy);
  });
});
