import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';
import type { Descriptor } from '../../core/oci/descriptor.ts';
import { createDigester, type Digest } from '../../core/oci/digest.ts';
import { mediaTypes } from '../../core/oci/media-types.ts';
import { inOrder, type LayerFile } from './layer-files.ts';
import { tarball } from './tarball.ts';

/** A blob of an image: its descriptor and all its bytes. */
export interface ImageBlob {
  /** For people: its role in the image. */
  name: string;
  descriptor: Descriptor;
  bytes: Uint8Array;
}

/** A layer as it was built. */
export interface Layer extends ImageBlob {
  /** For people: what is in it. */
  contents: string;
  /** Files in it, without directories. */
  files: number;
  /** Size of the tar archive. */
  unpackedBytes: number;
  /** The digest of the tar archive before compression, which the image's config lists. */
  diffId: Digest;
}

/** Builds a layer: tar, gzip at its fastest level, and the digests of both on the fly. */
export async function buildLayer(
  name: string,
  contents: string,
  files: LayerFile[],
  signal?: AbortSignal,
): Promise<Layer> {
  const ordered = inOrder(files);
  const unpacked = createDigester('sha256');
  const packed = createDigester('sha256');
  const chunks: Buffer[] = [];
  let unpackedBytes = 0;
  const archive = function* () {
    for (const chunk of tarball(ordered)) {
      unpacked.update(chunk);
      unpackedBytes += chunk.byteLength;
      yield chunk;
    }
  };
  await pipeline(
    Readable.from(archive()),
    createGzip({ level: constants.Z_BEST_SPEED, chunkSize: 256 * 1024 }),
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        packed.update(chunk);
        chunks.push(chunk);
        done();
      },
    }),
    { signal },
  );
  const bytes = Buffer.concat(chunks);
  return {
    name,
    contents,
    files: ordered.filter(({ kind }) => kind !== 'Directory').length,
    unpackedBytes,
    diffId: unpacked.digest(),
    descriptor: { mediaType: mediaTypes.ociLayerGzip, digest: packed.digest(), size: bytes.byteLength },
    bytes,
  };
}
