import { randomUUID } from 'node:crypto';
import type { MirrorJobDependencies } from '../dependencies.ts';
import type { LayerLeases, LayerPlace } from '../ports.ts';

/** How long a lease lasts unless it is renewed: a worker that died is replaced after this time. */
export const leaseMs = 60_000;
/** How often it is renewed: two renewals may fail before it expires. */
export const renewEveryMs = 20_000;
/**
 * How long a layer counts as waiting in the queue. If it is lost there, or the backlog is longer,
 * it is sent again after this time.
 */
export const queuedMs = 15 * 60_000;

/** A lease that this worker has, renewed until it is released. */
export interface HeldLease {
  /**
   * Ends the lease; safe to call twice. It never rejects: a lease that can't be released expires.
   */
  release(): Promise<void>;
}

/**
 * Takes the lease of a layer on its way into a mirror repository, and keeps renewing it.
 *
 * A worker that can't renew the lease, or has lost it, continues: the lease only avoids duplicate
 * work, and a registry accepts a blob twice.
 *
 * @returns undefined if another worker has it.
 */
export async function holdLease(
  place: LayerPlace,
  deps: Pick<MirrorJobDependencies, 'now' | 'warn'> & { leases: LayerLeases },
): Promise<HeldLease | undefined> {
  const { leases, now, warn } = deps;
  const claim = { ...place, owner: randomUUID() };
  const take = () => leases.take(claim, leaseMs, now());
  if (!(await take())) return undefined;

  let underWay: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    underWay = take().catch((error: unknown) => warn('the lease of a layer could not be renewed', error));
  }, renewEveryMs);
  let released: Promise<void> | undefined;
  const release = async () => {
    clearInterval(timer);
    // A renewal after the release would take the lease again.
    await underWay;
    await leases
      .release(claim)
      .catch((error: unknown) => warn('the lease of a layer could not be released', error));
  };
  return { release: () => (released ??= release()) };
}
