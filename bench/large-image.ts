import { createCipheriv, createHash } from 'node:crypto';
import type { Descriptor } from '../core/oci/descriptor.ts';
import { type Digest, digestOf, parseDigest } from '../core/oci/digest.ts';
import { pushBlob, pushManifest } from '../test/support/push-image.ts';
import { seededLayer } from '../test/support/seeded-layer.ts';

/** Where an image is pushed to: `endpoint` such as http://127.0.0.1:5000. */
export interface Place {
  endpoint: string;
  repository: string;
  tag: string;
}

const ociImage = 'application/vnd.oci.image';
const piece = 1024 * 1024;

/** Pushes an image of gzip-compressed layers, one layer at a time, so that only one is in memory. Gives the layers' digests. */
export async function pushLayerByLayer(
  { endpoint, repository, tag }: Place,
  layers: { seed: string; size: number }[],
): Promise<Digest[]> {
  const pushed: Descriptor[] = [];
  for (const { seed, size } of layers) {
    const { bytes } = seededLayer(seed, size);
    const digest = digestOf(bytes);
    await pushBlob(endpoint, repository, digest, bytes);
    pushed.push({ mediaType: `${ociImage}.layer.v1.tar+gzip`, digest, size });
  }
  await pushLayersImage({ endpoint, repository, tag }, pushed);
  return pushed.map(({ digest }) => digest);
}

/** Pushes an image of one layer that is never in memory as a whole: noise, not an archive. */
export async function pushStreamedLayer(place: Place, layer: { seed: string; size: number }): Promise<void> {
  const uploads = `${place.endpoint}/v2/${place.repository}/blobs/uploads/`;
  const post = await fetch(uploads, { method: 'POST' });
  const hash = createHash('sha256');
  const patch = await fetch(new URL(post.headers.get('location') ?? '', uploads), {
    method: 'PATCH',
    headers: { 'content-type': 'application/octet-stream' },
    body: ReadableStream.from(noise(layer.seed, layer.size, (bytes) => hash.update(bytes))),
    duplex: 'half',
  });
  const digest = parseDigest(`sha256:${hash.digest('hex')}`);
  const end = new URL(patch.headers.get('location') ?? '', uploads);
  end.searchParams.set('digest', digest);
  const put = await fetch(end, { method: 'PUT' });
  if (put.status !== 201) throw new Error(`the layer was answered ${put.status}: ${await put.text()}`);
  await pushLayersImage(place, [{ mediaType: `${ociImage}.layer.v1.tar`, digest, size: layer.size }]);
}

async function pushLayersImage({ endpoint, repository, tag }: Place, layers: Descriptor[]): Promise<void> {
  const configBytes = Buffer.from(
    JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers' } }),
  );
  const config = {
    mediaType: `${ociImage}.config.v1+json`,
    digest: digestOf(configBytes),
    size: configBytes.length,
  };
  await pushBlob(endpoint, repository, config.digest, configBytes);
  const mediaType = `${ociImage}.manifest.v1+json`;
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers }));
  await pushManifest(endpoint, repository, tag, { bytes, mediaType, digest: digestOf(bytes) });
}

/** The key stream of AES in counter mode: it can't be compressed and a gigabyte takes about a second. */
async function* noise(seed: string, size: number, look: (bytes: Buffer) => void): AsyncGenerator<Buffer> {
  const cipher = createCipheriv('aes-256-ctr', createHash('sha256').update(seed).digest(), Buffer.alloc(16));
  const zeros = Buffer.alloc(piece);
  for (let left = size; left > 0; left -= piece) {
    const bytes = cipher.update(left < piece ? zeros.subarray(0, left) : zeros);
    look(bytes);
    yield bytes;
  }
}
