import type { Descriptor } from '../core/oci/descriptor.ts';
import { type Digest, digestOf } from '../core/oci/digest.ts';
import { pushBlob } from '../test/support/push-image.ts';
import { seededLayer } from '../test/support/seeded-layer.ts';
import { type Place, pushImageOf } from '../test/support/streamed-image.ts';

/**
 * Pushes an image of gzip-compressed layers, one layer at a time, so that only one is in memory.
 * Returns the layers' digests.
 */
export async function pushLayerByLayer(
  place: Place,
  layers: { seed: string; size: number }[],
): Promise<Digest[]> {
  const pushed: Descriptor[] = [];
  for (const { seed, size } of layers) {
    const { bytes } = seededLayer(seed, size);
    const digest = digestOf(bytes);
    await pushBlob(place.endpoint, place.repository, digest, bytes);
    pushed.push({ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size });
  }
  await pushImageOf(place, pushed);
  return pushed.map(({ digest }) => digest);
}
