import type { MappingStore } from '../mapping/store.ts';
import type { JobStore } from './ports.ts';
import { type JobRecord, newJobId } from './record.ts';

/** How long after a fruitless look the next one comes. */
const recheckAfterMs = 60_000;

/**
 * Asks for one more look at the tag a minute later, at most one at a time.
 *
 * Registries answer from caches: an event that came although upstream shows the digest that is mapped already may be
 * ahead of them. A look that was itself such a second one asks for no third.
 */
export async function queueRecheck(
  job: JobRecord,
  deps: { mappings: MappingStore; jobs: JobStore; now(): Date },
): Promise<void> {
  if (job.trigger !== 'webhook') return;
  const now = deps.now();
  const id = newJobId(now.getTime());
  const event = await deps.mappings.raiseRecheck(job.key, id, now);
  if (event === undefined) return;
  const receivedAt = now.toISOString();
  const notBefore = new Date(now.getTime() + recheckAfterMs).toISOString();
  await deps.jobs.create({
    id,
    key: job.key,
    event,
    state: 'waiting',
    trigger: 'recheck',
    receivedAt,
    notBefore,
    attempts: 0,
  });
  await deps.jobs.park({ id }, notBefore);
}
