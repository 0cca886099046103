import type { MappingStore } from '../mapping/store.ts';
import type { JobStore } from './ports.ts';
import { type JobRecord, newJobId } from './record.ts';

/** How long after a fruitless look the next one comes. */
const recheckAfterMs = 60_000;

/**
 * Asks for one more look at the tag a minute later, at most one at a time.
 *
 * Registries answer from caches, which an event may be ahead of.
 */
export async function queueRecheck(
  job: JobRecord,
  deps: { mappings: MappingStore; jobs: JobStore; now(): Date },
): Promise<void> {
  const now = deps.now();
  const id = newJobId(now.getTime());
  const event = await deps.mappings.raiseRecheck(job.key, id, now);
  if (event === undefined) return;
  const receivedAt = now.toISOString();
  const notBefore = new Date(now.getTime() + recheckAfterMs).toISOString();
  await Promise.all([
    deps.jobs.park({ id }, notBefore),
    deps.jobs.create({
      id,
      key: job.key,
      event,
      state: 'waiting',
      trigger: 'recheck',
      receivedAt,
      notBefore,
      attempts: 0,
    }),
  ]);
}
