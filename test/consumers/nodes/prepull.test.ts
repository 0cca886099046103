import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { drayage } from '../../support/drayage.ts';
import { findProgram } from '../../support/find-program.ts';
import { writeMappingFile } from '../../support/mapping-file.ts';
import { startPipeline } from '../../support/pipeline.ts';
import { programImage } from '../../support/program-image.ts';
import { removeFolder } from '../../support/remove-mounts.ts';
import { type PodContainer, podmanIn } from './programs.ts';

it('drayage export prepull: its containers end well, whatever is in the images', async () => {
  await using pipeline = await startPipeline();
  const folder = mkdtempSync(join(tmpdir(), 'drayage-prepull-'));
  onTestFinished(() => removeFolder(folder));
  const busybox = findProgram({
    title: 'busybox',
    name: 'busybox',
    variable: 'DRAYAGE_BUSYBOX',
    remedy: 'apt-get install busybox-static',
  });
  // Nothing in this one can run.
  const shop = await programImage({ programs: {}, texts: { '/data': 'x' }, entrypoint: ['/missing'] });
  const nginx = await programImage({ programs: { '/bin/busybox': busybox } });
  const mapping = join(folder, 'mapping.json');
  await writeMappingFile(pipeline, { shop, nginx }, mapping);

  // The image that stands in for nginx is the helper.
  const args = ['--mapping', mapping, '--platform', 'linux/amd64', '--platform', 'linux/arm64'];
  const result = await drayage(['export', 'prepull', ...args, '--helper-image', 'nginx:1.27']);
  expect(result).toMatchObject({ code: 0, stderr: '' });
  const { spec } = parse(result.stdout).spec.template;
  const pinned = (name: string, digest: string) =>
    `${pipeline.stack.ready.registry}/mirror/${name}@${digest}`;
  const containers = spec.initContainers as PodContainer[];
  expect(containers.map(({ image }) => image)).toEqual([
    pinned('docker.io/library/nginx', nginx.manifest.digest),
    pinned('docker.io/library/nginx', nginx.manifest.digest),
    pinned('ghcr.io/acme/shop', shop.manifest.digest),
  ]);

  const conf = join(folder, 'registries.conf');
  writeFileSync(conf, `[[registry]]\nlocation = "${pipeline.stack.ready.registry}"\ninsecure = true\n`);
  const podman = podmanIn(folder, conf);
  const volume = join(folder, 'volume');
  mkdirSync(volume);
  chmodSync(volume, 0o777);
  for (const [index, container] of containers.entries()) {
    await podman.pull(container.image, { proxy: 'http://127.0.0.1:1' });
    expect(await podman.runRestricted(container, volume, index === 0 ? 'rw' : 'ro'), container.name).toBe('');
  }
  // The last one would sleep.
  const [sleep] = spec.containers as PodContainer[];
  expect(sleep?.command.slice(0, 2)).toEqual(['/bin/busybox', 'sleep']);
  const short = { ...(sleep as PodContainer), command: ['/bin/busybox', 'sleep', '0'] };
  expect(await podman.runRestricted(short, volume, 'ro')).toBe('');
});
