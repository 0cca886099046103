import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleCommand } from '../bundle-command.ts';
import { buildLayer, type Layer } from '../cli/demo/layer.ts';
import { filesOf } from '../cli/demo/layer-files.ts';

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

/**
 * Writes what becomes /app: the bundle of the command, and what says what it is. The same sources
 * give the same files.
 */
export async function writeApplication(folder: string): Promise<void> {
  await bundleCommand(join(folder, 'dist'));
  const { name, version, license } = readManifest();
  const manifest = { name, version, license, type: 'module' };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
}

/** Makes the layer with the command, and says what it is. */
export async function buildApplication(signal?: AbortSignal): Promise<Application> {
  const { name, version, description, license, author } = readManifest();
  const work = mkdtempSync(join(tmpdir(), 'drayage-image-'));
  try {
    await writeApplication(work);
    return {
      layer: await buildLayer('application', `${name} ${version}`, filesOf(work, 'app'), signal),
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

function readManifest(): Record<'name' | 'version' | 'description' | 'license' | 'author', string> {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
}
