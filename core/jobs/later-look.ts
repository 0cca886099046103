import type { ImageKey } from '../mapping/record.ts';
import type { MappingStore } from '../mapping/store.ts';
import type { JobStore } from './ports.ts';
import { isFinished, type JobTrigger, newJob, newJobId } from './record.ts';
import { recordParked } from './record-parked.ts';

/** How long after a look the next one comes, by default. */
const defaultDelayMs = 60_000;

/** A look at a tag, or at what belongs to a digest, that comes a while later. */
export interface LaterLook {
  key: ImageKey;
  trigger: Extract<JobTrigger, 'recheck' | 'signature'>;
  delayMs?: number;
}

interface LookDependencies {
  mappings: Pick<MappingStore, 'raiseRecheck' | 'read'>;
  jobs: Pick<JobStore, 'read' | 'park' | 'create'>;
}

/**
 * Schedules one more look at a tag, or at what belongs to a digest, a while later; at most one at a
 * time. Registries answer from caches, which an event may be ahead of (`recheck`), and images are
 * signed after they are pushed (`signature`).
 *
 * A look that is already waiting serves for both, but only if its job exists: whoever noted it may
 * have died before creating it.
 */
export async function scheduleLook(
  look: LaterLook,
  deps: LookDependencies & { now: () => Date },
): Promise<void> {
  const { key, trigger, delayMs = defaultDelayMs } = look;
  const now = deps.now();
  const id = newJobId(now.getTime());
  const event = await note({ key, id, now }, deps);
  if (event === undefined) return;
  const due = new Date(now.getTime() + delayMs);
  const times = { receivedAt: now.toISOString(), notBefore: due.toISOString() };
  await recordParked(newJob({ id, key, event, trigger, ...times }), due, deps.jobs);
}

/** @returns the number of the look's event; undefined where another look will come. */
async function note(
  { key, id, now }: { key: ImageKey; id: string; now: Date },
  { mappings, jobs }: LookDependencies,
): Promise<number | undefined> {
  const event = await mappings.raiseRecheck(key, id, now);
  if (event !== undefined) return event;
  const waiting = (await mappings.read(key))?.recheck;
  const job = waiting === undefined ? undefined : await jobs.read(waiting);
  if (job && !isFinished(job)) return undefined;
  return await mappings.raiseRecheck(key, id, now, waiting);
}
