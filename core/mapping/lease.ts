import { wait } from '../async/wait.ts';
import { DrayageError, type Retry } from '../errors.ts';
import { formatImageKey, type ImageKey } from './record.ts';
import type { Lease, MappingStore, TagState } from './store.ts';

/** A lease lasts this long unless renewed; it is held only around the commit. */
const leaseMs = 30_000;
const renewEveryMs = 10_000;
/** Longer than one lease: within this wait, a crashed holder's lease expires. */
const acquireWithinMs = 45_000;
const acquireEveryMs = 250;

/** What a lease is needed for. */
export interface LeaseRequest {
  key: ImageKey;
  /** The ID of the job that holds it. */
  owner: string;
  signal?: AbortSignal | undefined;
}

/** A lease while it is held. */
export interface HeldLease {
  readonly lease: Lease;
  /** The tag as it was when the lease was taken. */
  readonly state: TagState;
  /** Renews the lease right before something that only its holder may do. @throws LeaseError */
  confirm(): Promise<void>;
  /** @throws LeaseError if the lease is known to be lost */
  expectHeld(): void;
}

type LeaseStore = Pick<MappingStore, 'acquireLease' | 'renewLease' | 'releaseLease'>;

/**
 * Does something to a tag with its lease, which is renewed meanwhile. If `work` fails, the lease is
 * released; otherwise `work` has released it with its last write.
 *
 * @throws LeaseError if the lease could not be acquired: another attempt may succeed. The signal's
 *   reason if it aborts while waiting for the lease.
 */
export async function withLease<T>(
  store: LeaseStore,
  request: LeaseRequest,
  work: (held: HeldLease) => Promise<T>,
): Promise<T> {
  const { key } = request;
  const lease = await waitForLease(store, request);
  let held = true;
  const renewing = setInterval(() => {
    store.renewLease(key, lease, leaseMs).then(
      (still) => {
        held &&= still;
      },
      () => {
        held = false; // unknown counts as lost: the condition of the next write decides
      },
    );
  }, renewEveryMs);
  try {
    return await work({
      lease,
      state: lease.state,
      async confirm() {
        if (!(await store.renewLease(key, lease, leaseMs))) throw new LeaseError(key);
      },
      expectHeld() {
        if (!held) throw new LeaseError(key);
      },
    });
  } catch (error) {
    // Best effort: if this fails, too, the lease expires by itself.
    await store.releaseLease(key, lease).catch(() => {});
    throw error;
  } finally {
    clearInterval(renewing);
  }
}

async function waitForLease(store: LeaseStore, { key, owner, signal }: LeaseRequest): Promise<Lease> {
  const until = Date.now() + acquireWithinMs;
  for (;;) {
    const lease = await store.acquireLease(key, owner, leaseMs);
    if (lease) return lease;
    if (Date.now() >= until) throw new LeaseError(key);
    await wait(acquireEveryMs, signal);
  }
}

/** Another job is moving the tag. This job must look again. */
export class LeaseError extends DrayageError {
  override readonly name = 'LeaseError';
  readonly code = 'TAG_BUSY';
  readonly side = 'mirror';
  readonly remedy = 'none needed: the job looks again by itself';
  readonly retry: Retry = { kind: 'backoff' };

  constructor(key: ImageKey) {
    super(`another job is moving ${formatImageKey(key)}`);
  }
}
