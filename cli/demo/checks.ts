import type { Mapping } from '../../core/mapping/record.ts';
import type { RequestRecord } from '../../local/ecr/server.ts';
import type { Job } from '../api/client.ts';
import { ensure } from './facts.ts';
import { type BuiltImage, image, referenceOf } from './image.ts';
import type { ImageBlob } from './layer.ts';

/** All blobs of an image. */
export function blobsOf(built: BuiltImage): ImageBlob[] {
  return [...built.layers, built.config];
}

/** How many bytes these blobs have in all. */
export function bytesOf(blobs: ImageBlob[]): number {
  return blobs.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
}

/** The blobs of an image that another one does not have. */
export function changedBlobs(built: BuiltImage, before: BuiltImage): ImageBlob[] {
  const known = new Set(blobsOf(before).map(({ descriptor }) => descriptor.digest));
  return blobsOf(built).filter(({ descriptor }) => !known.has(descriptor.digest));
}

/** Checks that the job copied these blobs of the image and found all others present. */
export function checkTransfer(job: Job, built: BuiltImage, copied: ImageBlob[]): void {
  const all = blobsOf(built);
  const expected = {
    copied: { blobs: copied.length, bytes: bytesOf(copied) },
    mounted: { blobs: 0, bytes: 0 },
    present: { blobs: all.length - copied.length, bytes: bytesOf(all) - bytesOf(copied) },
  };
  for (const how of ['copied', 'mounted', 'present'] as const) {
    const found = job.transfer?.[how];
    const { blobs, bytes } = expected[how];
    ensure(
      found?.blobs === blobs && found.bytes === bytes,
      `job ${job.id} reports ${found?.blobs} blobs (${found?.bytes} bytes) ${how}, and it should be ${blobs} (${bytes} bytes)`,
    );
  }
}

/**
 * Checks that only these blobs were read from the upstream, each once.
 *
 * @param requests all that the upstream received
 * @returns how many manifests and blobs were read
 */
export function checkRequests(
  requests: readonly RequestRecord[],
  copied: ImageBlob[],
): { manifests: number; blobs: number } {
  const read = (what: string) =>
    requests.filter(({ method, path }) => method === 'GET' && path.includes(what));
  const asked = read('/blobs/')
    .map(({ path }) => path.slice(path.lastIndexOf('/') + 1))
    .sort();
  const expected = copied.map(({ descriptor }) => descriptor.digest as string).sort();
  ensure(
    asked.join() === expected.join(),
    `the upstream was asked for the blobs ${asked.join(', ') || '(none)'}, and only ${expected.join(', ')} were missing in the mirror`,
  );
  return { manifests: read('/manifests/').length, blobs: asked.length };
}

/**
 * Checks that the mapping names the image, the digest that was pushed and the mirror's registry.
 */
export function checkMapping(mapping: Mapping, built: BuiltImage, registry: string): void {
  const { digest } = built.manifest;
  const repository = `${registry}/mirror/${image.registry}/${image.namespace}/${image.name}`;
  const expected = {
    image: referenceOf(built.tag),
    digest,
    sourceDigest: digest,
    mediaType: built.manifest.mediaType,
    mirror: `${repository}:${built.tag}`,
    pinned: `${repository}@${digest}`,
  };
  for (const [field, value] of Object.entries(expected)) {
    const found = mapping[field as keyof typeof expected];
    ensure(found === value, `the mapping's ${field} is ${found}, and it should be ${value}`);
  }
}
