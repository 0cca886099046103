import type { ImageKey } from '../mapping/record.ts';
import type { MappingStore } from '../mapping/store.ts';
import type { Digest } from '../oci/digest.ts';
import type { JobStore } from './ports.ts';
import { newJobId } from './record.ts';

/** How long after a mirror job that could not get everything the next look comes. */
const laterMs = 60_000;

/**
 * Asks for one more look, a minute later, at what belongs to an image that is mirrored without some of it. The signature job that
 * it makes waits and tries again as any other job does.
 */
export async function queueSignature(
  image: Pick<ImageKey, 'registry' | 'repository'>,
  digest: Digest,
  deps: { mappings: MappingStore; jobs: JobStore; now(): Date },
): Promise<void> {
  const now = deps.now();
  const id = newJobId(now.getTime());
  const key: ImageKey = { registry: image.registry, repository: image.repository, reference: digest };
  const event = await deps.mappings.raiseEvent(key);
  const receivedAt = now.toISOString();
  const notBefore = new Date(now.getTime() + laterMs).toISOString();
  await Promise.all([
    deps.jobs.park({ id }, notBefore),
    deps.jobs.create({
      id,
      key,
      event,
      state: 'waiting',
      trigger: 'signature',
      receivedAt,
      notBefore,
      attempts: 0,
    }),
  ]);
}
