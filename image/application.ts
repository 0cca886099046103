import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleCommand } from '../bundle-command.ts';
import { buildLayer, type Layer } from '../cli/demo/layer.ts';
import { fileOf, filesOf, textFile } from '../cli/demo/layer-files.ts';

const root = join(import.meta.dirname, '..');

/** What the image adds to its base: the same for every platform. */
export interface Application {
  layer: Layer;
  /** https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md */
  labels: Record<string, string>;
}

/** What is in the container, where the Dockerfile puts it, too. */
export const places = {
  directory: '/app',
  main: '/app/dist/cli/main.js',
};

/** Bundles the command, and packs it into a layer. The same sources give the same bytes. */
export async function buildApplication(signal?: AbortSignal): Promise<Application> {
  const { name, version, description, license, author } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  ) as Record<'name' | 'version' | 'description' | 'license' | 'author', string>;
  const work = mkdtempSync(join(tmpdir(), 'drayage-image-'));
  try {
    const dist = join(work, 'dist');
    await bundleCommand(dist);
    const manifest = `${JSON.stringify({ name, version, license, type: 'module' }, undefined, 2)}\n`;
    const files = [
      ...filesOf(dist, 'app/dist'),
      textFile('app/package.json', manifest),
      fileOf(join(root, 'LICENSE'), 'app/LICENSE'),
    ];
    const layer = await buildLayer('application', `${name} ${version}`, files, signal);
    return {
      layer,
      labels: {
        'org.opencontainers.image.title': name,
        'org.opencontainers.image.description': description,
        'org.opencontainers.image.version': version,
        'org.opencontainers.image.licenses': license,
        'org.opencontainers.image.vendor': author,
      },
    };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
