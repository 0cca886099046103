import { enqueue, NotQueuedError } from '../jobs/enqueue.ts';
import { type Difference, differencesOf } from './differences.ts';
import { mendLosses } from './mend-losses.ts';
import type { Limits, ReconcileDependencies } from './ports.ts';
import type { QueueRoom } from './room.ts';
import type { Found } from './round.ts';
import { unmapDeleted } from './unmap-deleted.ts';
import { type ComparedRepository, type ReadLimits, readSides } from './upstream/read-sides.ts';

/** A repository, and where its round continues. */
export interface RepositoryWork extends ComparedRepository {
  /** Tags up to this one are compared; absent: none is. */
  after?: string | undefined;
  /** How many jobs the round has queued so far. */
  queued: number;
}

/** How far a round came. */
export type Progress =
  | { kind: 'done'; found: Found }
  /** The time is used up, or the queue is full: continue after this tag. */
  | { kind: 'paused'; after: string | undefined; queued: number };

/** So many tags are compared before progress is recorded. */
const chunkSize = 200;

/**
 * Compares one repository of an upstream with its mappings, and queues the tags that differ;
 * removes the mappings of tags that are gone, if the rule says so; then compares the mappings with
 * the mirror, removes and queues again what it has lost, and puts its settings right.
 *
 * @param context `note` records progress: what is compared need not be compared again. `reach`
 *   waits until so many tags may be held
 * @throws UpstreamClosedError, RegistryError: what was found until then is queued
 */
export async function reconcileRepository(
  work: RepositoryWork,
  context: {
    deps: ReconcileDependencies;
    room: QueueRoom;
    note: (progress: Progress) => Promise<void>;
    reach?: ReadLimits['reach'];
  },
  limits: Limits,
): Promise<Progress> {
  const { upstream, repository, rule } = work;
  const { deps, room, note, reach } = context;
  const { signal } = limits;
  const key = { registry: upstream.registry, repository };
  const { listing, sides, place, hasTag } = await readSides(work, deps, { signal, reach });
  let { after, queued } = work;
  const left = listing.selected.filter(({ tag }) => after === undefined || tag > after);
  for (let at = 0; at < left.length; at += chunkSize) {
    if (deps.now().getTime() >= limits.endsAt) return { kind: 'paused', after, queued };
    const chunk = left.slice(at, at + chunkSize);
    const differences = await differencesOf(chunk, sides, signal);
    const done = await queueInBatches(differences, { key, deps, room }, limits);
    queued += done;
    // Tags are compared in their order, so those before the first one that did not fit are done.
    const next = differences[done];
    if (next) return { kind: 'paused', after: before(chunk, next.tag) ?? after, queued };
    after = chunk.at(-1)?.tag;
    if (done > 0) await note({ kind: 'paused', after, queued });
  }
  const { tags, selected, gone } = listing;
  const unmapped = rule.deleted === 'unmap' ? await unmapDeleted(key, gone, { hasTag, deps, signal }) : 0;
  if (sides.mapped.size > 0) await mendLosses(place, deps, signal);
  await deps.keepInLine(place, { signal });
  return { kind: 'done', found: { tags, selected: selected.length, queued, unmapped } };
}

/** @returns how many were queued: the first ones */
async function queueInBatches(
  differences: readonly Difference[],
  { key, deps, room }: QueueContext,
  limits: Limits,
): Promise<number> {
  let done = 0;
  while (done < differences.length) {
    limits.signal.throwIfAborted();
    const count = await room.take(differences.length - done, limits);
    if (count === 0) break;
    const batch = differences.slice(done, done + count);
    try {
      await enqueue(
        batch.map(({ tag }) => ({ key: { ...key, reference: tag } })),
        'reconcile',
        deps,
      );
    } catch (error) {
      // Those jobs are parked: they run a minute later.
      if (!(error instanceof NotQueuedError)) throw error;
      deps.warn('tags that differ are queued only in a minute', error);
    }
    done += count;
  }
  return done;
}

interface QueueContext {
  key: { registry: string; repository: string };
  deps: ReconcileDependencies;
  room: QueueRoom;
}

/** The tag before a tag. */
function before(tags: readonly { tag: string }[], tag: string): string | undefined {
  return tags[tags.findIndex((each) => each.tag === tag) - 1]?.tag;
}
