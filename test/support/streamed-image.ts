import { createCipheriv, createHash } from 'node:crypto';
import type { Descriptor } from '../../core/oci/descriptor.ts';
import { type Digest, digestOf, parseDigest } from '../../core/oci/digest.ts';
import { pushBlob, pushManifest } from './push-image.ts';
import type { SeededManifest } from './seeded-image.ts';

/** Where an image is pushed to: `endpoint` such as http://127.0.0.1:5000. */
export interface Place {
  endpoint: string;
  repository: string;
  tag: string;
}

/** An image that was pushed without being held in memory. */
export interface StreamedImage {
  manifest: SeededManifest;
  /** The config and every layer. */
  blobs: Descriptor[];
}

const ociImage = 'application/vnd.oci.image';
const piece = 1024 * 1024;

/** Pushes an image whose layers are never in memory as a whole: noise, not archives. */
export async function pushStreamedImage(
  place: Place,
  layers: { seed: string; size: number }[],
): Promise<StreamedImage> {
  const pushed: Descriptor[] = [];
  for (const layer of layers) {
    const digest = await pushNoise(place, layer);
    pushed.push({ mediaType: `${ociImage}.layer.v1.tar`, digest, size: layer.size });
  }
  return await pushImageOf(place, pushed);
}

/** Pushes the config and the manifest of an image whose layers are there. */
export async function pushImageOf(
  { endpoint, repository, tag }: Place,
  layers: Descriptor[],
): Promise<StreamedImage> {
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
  const manifest = { bytes, mediaType, digest: digestOf(bytes) };
  await pushManifest(endpoint, repository, tag, manifest);
  return { manifest, blobs: [config, ...layers] };
}

/**
 * Pulls an image by its tag, every byte of it.
 *
 * @throws Error naming what is not as it was pushed
 */
export async function expectPulled(
  { endpoint, repository, tag }: Place,
  { manifest, blobs }: StreamedImage,
): Promise<void> {
  const base = `${endpoint}/v2/${repository}`;
  const pulled = await fetch(`${base}/manifests/${tag}`, { headers: { accept: manifest.mediaType } });
  if (!Buffer.from(await pulled.arrayBuffer()).equals(manifest.bytes))
    throw new Error(`${repository}:${tag} has another manifest`);
  for (const { digest, size } of blobs) {
    const answer = await fetch(`${base}/blobs/${digest}`);
    const hash = createHash('sha256');
    let length = 0;
    for await (const chunk of answer.body ?? []) {
      hash.update(chunk);
      length += chunk.length;
    }
    const got = `sha256:${hash.digest('hex')}`;
    if (got !== digest || length !== size)
      throw new Error(`${repository} has ${length} bytes with the digest ${got} as ${digest}`);
  }
}

async function pushNoise(
  { endpoint, repository }: Place,
  layer: { seed: string; size: number },
): Promise<Digest> {
  const uploads = `${endpoint}/v2/${repository}/blobs/uploads/`;
  const post = await fetch(uploads, { method: 'POST' });
  await post.arrayBuffer();
  const hash = createHash('sha256');
  const patch = await fetch(new URL(post.headers.get('location') ?? '', uploads), {
    method: 'PATCH',
    headers: { 'content-type': 'application/octet-stream' },
    body: ReadableStream.from(noise(layer.seed, layer.size, (bytes) => hash.update(bytes))),
    duplex: 'half',
  });
  await patch.arrayBuffer();
  const digest = parseDigest(`sha256:${hash.digest('hex')}`);
  const end = new URL(patch.headers.get('location') ?? '', uploads);
  end.searchParams.set('digest', digest);
  const put = await fetch(end, { method: 'PUT' });
  if (put.status !== 201) throw new Error(`the layer was answered ${put.status}: ${await put.text()}`);
  await put.arrayBuffer();
  return digest;
}

/**
 * The key stream of AES in counter mode: it cannot be compressed, and a gigabyte takes about a
 * second.
 */
async function* noise(seed: string, size: number, look: (bytes: Buffer) => void): AsyncGenerator<Buffer> {
  const cipher = createCipheriv('aes-256-ctr', createHash('sha256').update(seed).digest(), Buffer.alloc(16));
  const zeros = Buffer.alloc(piece);
  for (let left = size; left > 0; left -= piece) {
    const bytes = cipher.update(left < piece ? zeros.subarray(0, left) : zeros);
    look(bytes);
    yield bytes;
  }
}
