import type { ImageKey } from '../mapping/record.ts';
import type { MappingStore } from '../mapping/store.ts';
import type { JobStore } from './ports.ts';
import { isFinished, type JobTrigger, newJob, newJobId } from './record.ts';
import { recordParked } from './record-parked.ts';

/** The default time from one look to the next. */
const defaultDelayMs = 60_000;

/** A later look at a tag, or at what belongs to a digest. */
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
 * Schedules one more look, a while later, at a tag or at what belongs to a digest; at most one at a
 * time. Registries answer from caches that may be behind an event (`recheck`), and images are
 * signed after they are pushed (`signature`).
 *
 * A look that is already waiting serves both purposes, but only if its job exists: the worker that
 * recorded it may have died before creating the job.
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

/** @returns the number of the look's event; undefined if another look is already scheduled. */
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
