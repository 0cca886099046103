import { readFileSync } from 'node:fs';
import { arch } from 'node:process';
import { gzipSync } from 'node:zlib';
import type { Descriptor } from '../../core/oci/descriptor.ts';
import { type Digest, digestOf } from '../../core/oci/digest.ts';
import { findProgram } from './find-program.ts';
import type { SeededImage } from './seeded-image.ts';

const types = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
} as const;

/**
 * An image that runs on this machine: busybox alone, as the package busybox-static has it. Its
 * entrypoint prints the text.
 */
export function runnableImage(text: string): SeededImage {
  const busybox = readFileSync(
    findProgram({
      title: 'busybox',
      name: 'busybox',
      variable: 'DRAYAGE_BUSYBOX',
      remedy: 'apt-get install busybox-static',
    }),
  );
  const tar = Buffer.concat([
    entryOf('bin/', Buffer.alloc(0), '0000755', '5'),
    entryOf('bin/busybox', busybox, '0000755', '0'),
    Buffer.alloc(1024),
  ]);
  const layerBytes = gzipSync(tar, { level: 1 });
  const platform = { os: 'linux', architecture: arch === 'x64' ? 'amd64' : arch };
  const blobs = new Map<Digest, Uint8Array>();
  const add = (mediaType: string, bytes: Uint8Array): Descriptor => {
    const digest = digestOf(bytes);
    blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.byteLength };
  };
  const layers = [add(types.layer, layerBytes)];
  const config = add(
    types.config,
    Buffer.from(
      JSON.stringify({
        ...platform,
        config: { Entrypoint: ['/bin/busybox', 'echo', text] },
        rootfs: { type: 'layers', diff_ids: [digestOf(tar)] },
      }),
    ),
  );
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: types.manifest, config, layers }));
  const manifest = { bytes, mediaType: types.manifest, digest: digestOf(bytes) };
  return { kind: 'image', manifest, platform, config, layers, blobs };
}

/** A file or folder of a POSIX ustar archive. */
function entryOf(name: string, content: Uint8Array, mode: string, type: '0' | '5'): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0, 'latin1');
  header.write(`${mode}\0`, 100, 'latin1');
  header.write('0000000\0', 108, 'latin1');
  header.write('0000000\0', 116, 'latin1');
  header.write(`${content.byteLength.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
  header.write('00000000000\0', 136, 'latin1');
  header.write('        ', 148, 'latin1');
  header.write(type, 156, 'latin1');
  header.write('ustar\u000000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.byteLength % 512)) % 512)]);
}
