import type { ImageKey } from '../mapping/record.ts';
import type { MappingStore } from '../mapping/store.ts';
import type { Digest } from '../oci/digest.ts';
import type { JobStore } from './ports.ts';
import { newJobId } from './record.ts';

/** How long after a mirror job the next look comes, unless told otherwise. */
const defaultDelayMs = 60_000;

/**
 * Asks for one more look, a while later, at what belongs to an image: because some of it could not be had now, or because nobody
 * will tell when it comes (what is pushed by digest with a `subject` moves no tag). At most one look at a digest waits at a time, whoever asked
 * for it. The signature job that it makes waits and tries again as any other job does.
 */
export async function queueSignature(
  image: Pick<ImageKey, 'registry' | 'repository'>,
  digest: Digest,
  deps: { mappings: MappingStore; jobs: JobStore; now(): Date },
  delayMs = defaultDelayMs,
): Promise<void> {
  const now = deps.now();
  const id = newJobId(now.getTime());
  const key: ImageKey = { registry: image.registry, repository: image.repository, reference: digest };
  const event = await deps.mappings.raiseRecheck(key, id, now);
  if (event === undefined) return;
  const receivedAt = now.toISOString();
  const notBefore = new Date(now.getTime() + delayMs).toISOString();
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
