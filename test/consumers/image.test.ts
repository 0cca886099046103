import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { drayageVersion } from '../../core/registry/transport/version.ts';
import { writeApplication } from '../../image/application.ts';
import { nodeImage, pushBase } from '../support/base-image.ts';
import { buildImage } from '../support/build-image.ts';
import { type DockerRegistry, freePort, startDockerRegistry } from '../support/docker-registry.ts';
import { containerLimits, openPodman, type Podman } from '../support/podman.ts';
import { skopeo } from '../support/skopeo.ts';

const root = resolve(import.meta.dirname, '../..');

describe('npm run image, with Docker’s registry, skopeo and podman', () => {
  let folder: string;
  let registry: DockerRegistry;
  let podman: Podman;
  /** Where the image was pushed. */
  let target: string;
  /** What the build printed: where the image is. */
  let printed: string[];
  let digest: string;
  const base = () => `${registry.host}/base/node:24`;
  const layout = () => join(folder, 'layout');
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'drayage-image-test-'));
    podman = openPodman();
    registry = await startDockerRegistry();
    const platforms = ['linux/amd64', 'linux/arm64/v8', 'linux/s390x'];
    await pushBase(registry.endpoint, 'base/node', '24', await nodeImage(), {
      platforms,
      family: 'docker',
    });
    target = `${registry.host}/team/drayage`;
    const built = await buildImage(['--base', base(), '--to', target, '--output', layout()]);
    expect(built).toMatchObject({ code: 0 });
    printed = built.stdout.trim().split('\n');
    digest = printed[0] ? await digestOf(printed[0]) : '';
  });
  afterAll(async () => {
    podman[Symbol.dispose]();
    await registry[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const inspect = async (...args: string[]) =>
    JSON.parse(await skopeo('inspect', '--no-tags', '--tls-verify=false', ...args));
  const digestOf = async (layoutName: string) =>
    (await skopeo('inspect', '--no-tags', '--format', '{{.Digest}}', layoutName)).trim();
  const run = (...args: string[]) =>
    podman('run', '--rm', '--network', 'none', '--read-only', ...containerLimits, ...args);

  it('gives the same image in a registry and in a layout, under the version', async () => {
    expect(printed).toEqual([`oci:${layout()}:${drayageVersion}`, `${target}:${drayageVersion}@${digest}`]);
    expect(await inspect(`docker://${target}@${digest}`)).toMatchObject({ Digest: digest });
  });

  it('gives the same digest again', async () => {
    const again = await buildImage(['--base', base(), '--output', join(folder, 'again')], { TMPDIR: folder });
    expect(again).toMatchObject({ code: 0 });
    expect(await digestOf(`oci:${join(folder, 'again')}:${drayageVersion}`)).toBe(digest);
  });

  it('is for every platform of the base, in OCI’s media types', async () => {
    const index = await inspect('--raw', `docker://${target}@${digest}`);
    expect(index.mediaType).toBe('application/vnd.oci.image.index.v1+json');
    expect(index.manifests.map(({ platform }: { platform: unknown }) => platform)).toEqual([
      { os: 'linux', architecture: 'amd64' },
      { os: 'linux', architecture: 'arm64', variant: 'v8' },
      { os: 'linux', architecture: 's390x' },
    ]);
    for (const child of index.manifests) {
      const manifest = await inspect('--raw', `docker://${target}@${child.digest}`);
      expect(manifest.layers.map(({ mediaType }: { mediaType: string }) => mediaType)).toEqual(
        Array(2).fill('application/vnd.oci.image.layer.v1.tar+gzip'),
      );
      expect(manifest.annotations).toMatchObject({
        'org.opencontainers.image.title': 'drayage',
        'org.opencontainers.image.version': drayageVersion,
        'org.opencontainers.image.base.name': base(),
        'org.opencontainers.image.base.digest': expect.stringMatching(/^sha256:/),
      });
    }
  });

  it('keeps what the base says, and runs the command as nobody in particular', async () => {
    const config = await inspect('--config', '--raw', `docker://${target}:${drayageVersion}`);
    expect(config).toMatchObject({ os: 'linux', architecture: 'amd64', created: '1985-10-26T08:15:00.000Z' });
    expect(config.config).toEqual({
      User: '65532:65532',
      Env: [
        'PATH=/usr/local/bin:/usr/bin:/bin',
        'SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt',
        'NODE_ENV=production',
      ],
      Entrypoint: ['/nodejs/bin/node', '/app/dist/cli/main.js'],
      WorkingDir: '/app',
      ExposedPorts: { '8443/tcp': {} },
      Labels: expect.objectContaining({ base: 'kept', 'org.opencontainers.image.licenses': 'Apache-2.0' }),
    });
    expect(config.rootfs.diff_ids).toHaveLength(2);
    expect(config.history).toHaveLength(2);
  });

  it('is pulled by tag and digest, and runs: nothing is written, and there is no network', async () => {
    for (const reference of [`${target}:${drayageVersion}`, `${target}@${digest}`]) {
      await podman('pull', '--quiet', '--tls-verify=false', reference);
      expect(await run(reference, '--version')).toBe(`${drayageVersion}\n`);
    }
    const image = `${target}@${digest}`;
    expect(await run(image, 'completion', 'bash')).toContain('drayage');
    const script = 'process.stdout.write([process.getuid(), process.getgid(), process.cwd()].join())';
    expect(await run('--entrypoint', '/nodejs/bin/node', image, '-e', script)).toBe('65532,65532,/app');
  });

  it('answers the apiserver, as the chart runs it, and ends when it is told to', async () => {
    const mirror = `registry.example.com/mirror/docker.io/library/nginx`;
    const pinned = `${mirror}@sha256:${'4f'.repeat(32)}`;
    const mapping = {
      image: 'docker.io/library/nginx:1.27',
      mirror: `${mirror}:1.27`,
      digest: pinned.slice(pinned.indexOf('@') + 1),
      pinned,
    };
    const file = join(folder, 'mapping.json');
    writeFileSync(file, JSON.stringify({ version: 1, mappings: [mapping] }));
    chmodSync(folder, 0o755); // for the container's user
    const address = `127.0.0.1:${await freePort()}`;
    const options = ['--detach', '--network', 'host', '--read-only', '--cap-drop', 'all', ...containerLimits];
    const mounts = ['--volume', `${file}:/mapping.json:ro`];
    const args = ['admission', `--listen=${address}`, '--mapping=/mapping.json'];
    const container = (await podman('run', ...options, ...mounts, `${target}@${digest}`, ...args)).trim();
    await vi.waitFor(async () => expect((await fetch(`http://${address}/readyz`)).status).toBe(200), {
      timeout: 30_000,
      interval: 100,
    });
    const object = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web', namespace: 'shop' },
      spec: { containers: [{ name: 'web', image: 'nginx:1.27' }] },
    };
    const review = {
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      request: {
        uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
        kind: { group: '', version: 'v1', kind: 'Pod' },
        resource: { group: '', version: 'v1', resource: 'pods' },
        namespace: 'shop',
        operation: 'CREATE',
        object,
      },
    };
    const answer = await fetch(`http://${address}/v1/admission`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(review),
    });
    const { response } = (await answer.json()) as { response: { allowed: boolean; patch: string } };
    expect(response).toMatchObject({ uid: review.request.uid, allowed: true, patchType: 'JSONPatch' });
    expect(Buffer.from(response.patch, 'base64').toString('utf8')).toContain(pinned);
    await podman('stop', '--time', '30', container);
    expect(await podman('inspect', '--format', '{{.State.ExitCode}}', container)).toBe('0\n');
  });

  it('is made by the Dockerfile, too', async () => {
    const files = join(folder, 'files');
    await writeApplication(join(files, 'out'));
    // The stage that builds would need the network.
    const context = ['--build-context', `build=${files}`, '--build-arg', `BASE=${base()}`];
    const options = ['--tls-verify=false', '--isolation', 'chroot', '--tag', 'localhost/drayage:1'];
    await podman('build', '--quiet', ...context, ...options, root);
    expect(await run('localhost/drayage:1', '--version')).toBe(`${drayageVersion}\n`);
    const configOf = async (image: string) => {
      const { Labels: _, ...config } = JSON.parse(
        await podman('inspect', '--format', '{{json .Config}}', image),
      );
      return config;
    };
    expect(await configOf('localhost/drayage:1')).toEqual(await configOf(`${target}@${digest}`));
  });

  it('can be reduced to some platforms, at another time', async () => {
    const output = join(folder, 'reduced');
    const built = await buildImage(
      ['--base', base(), '--platform', 'linux/arm64', '--output', output, '--to', `${target}:arm`],
      { SOURCE_DATE_EPOCH: '1700000000' },
    );
    expect(built).toMatchObject({ code: 0, stderr: expect.stringContaining('for linux/arm64/v8;') });
    const { manifests } = JSON.parse(readFileSync(join(output, 'index.json'), 'utf8'));
    expect(manifests).toHaveLength(1);
    const config = await inspect('--override-arch', 'arm64', '--config', '--raw', `oci:${output}:arm`);
    expect(config).toMatchObject({ architecture: 'arm64', created: '2023-11-14T22:13:20.000Z' });
  });
});
