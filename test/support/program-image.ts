import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as tar from 'tar';
import type { Descriptor } from '../../core/oci/descriptor.ts';
import { type Digest, digestOf } from '../../core/oci/digest.ts';
import type { SeededImage } from './seeded-image.ts';

/** What {@link programImage} packs. */
export interface ProgramImageOptions {
  /** Programs of this machine, with their libraries, by their path in the image. */
  programs: Record<string, string>;
  /** Symbolic links by their path in the image: `{'/bin/sh': 'busybox'}`. */
  links?: Record<string, string>;
  /** Texts by their path in the image; folders are made as needed. */
  texts?: Record<string, string>;
  entrypoint?: string[];
  command?: string[];
  env?: string[];
}

/** An image that runs on this machine, made from its own programs. */
export async function programImage(options: ProgramImageOptions): Promise<SeededImage> {
  const { programs, links = {}, texts = {}, entrypoint, command, env } = options;
  const root = mkdtempSync(join(tmpdir(), 'drayage-program-image-'));
  try {
    const place = (path: string) => {
      const file = join(root, path);
      mkdirSync(dirname(file), { recursive: true });
      return file;
    };
    for (const folder of ['/tmp', '/etc', '/proc', '/sys', '/dev'])
      mkdirSync(join(root, folder), { recursive: true });
    for (const [path, source] of Object.entries(programs)) {
      copyFileSync(source, place(path));
      for (const library of librariesOf(source)) copyFileSync(library, place(library));
    }
    for (const [path, target] of Object.entries(links)) symlinkSync(target, place(path));
    for (const [path, text] of Object.entries(texts)) writeFileSync(place(path), text);
    const archive = `${root}.tar`;
    await tar.create({ cwd: root, file: archive, portable: true, mtime: new Date(0) }, ['.']);
    const bytes = readFileSync(archive);
    rmSync(archive);
    return imageOf(bytes, { Entrypoint: entrypoint, Cmd: command, Env: env });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** The shared libraries of a program, by their paths; none for a static one. */
function librariesOf(program: string): string[] {
  try {
    const output = execFileSync('ldd', [program], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    return [...output.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path = '']) => path);
  } catch (error) {
    if (String((error as { stderr?: unknown }).stderr).includes('not a dynamic executable')) return [];
    throw error;
  }
}

function imageOf(layerTar: Uint8Array, config: object): SeededImage {
  const layer = gzipSync(layerTar, { level: 1 });
  const platform = { os: 'linux', architecture: process.arch === 'arm64' ? 'arm64' : 'amd64' };
  const configBytes = Buffer.from(
    JSON.stringify({
      ...platform,
      config,
      rootfs: { type: 'layers', diff_ids: [digestOf(layerTar)] },
    }),
  );
  const described = (mediaType: string, bytes: Uint8Array): Descriptor => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
  });
  const configDescriptor = described('application/vnd.oci.image.config.v1+json', configBytes);
  const layers = [described('application/vnd.oci.image.layer.v1.tar+gzip', layer)];
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const bytes = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType, config: configDescriptor, layers }),
  );
  const blobs = new Map<Digest, Uint8Array>([
    [configDescriptor.digest, configBytes],
    [digestOf(layer), layer],
  ]);
  return {
    kind: 'image',
    manifest: { bytes, mediaType, digest: digestOf(bytes) },
    platform,
    config: configDescriptor,
    layers,
    blobs,
  };
}
