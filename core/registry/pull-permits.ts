import { type OperationContext, RegistryError } from './errors.ts';

/**
 * What an answer says about the registry's limit on pulls: how many are left, and in what time so
 * many are allowed as there were at first.
 */
export interface PullLimit {
  left: number;
  windowMs: number;
}

/** How many pulls of an upstream are left for all workers together. */
export interface PullBudget {
  /**
   * Takes one pull. `unknown`: ask the registry how many are left, and tell. `spent`: at that time
   * the registry may be asked again.
   */
  take(registry: string, now: Date): Promise<{ kind: 'taken' | 'unknown' } | { kind: 'spent'; until: Date }>;
  /** Tells how many are left; ignored if that is known, and not all are spent. */
  tell(registry: string, limit: PullLimit, now: Date): Promise<void>;
}

/**
 * Reads `RateLimit-Remaining: 76;w=21600`, as Docker Hub says how many manifests may still be read
 * in so many seconds (https://docs.docker.com/docker-hub/usage/pulls/). Without the window, it is
 * some other limit: GitLab's counts all requests.
 */
export function pullLimitOf(header: (name: string) => string | undefined): PullLimit | undefined {
  const told = /^\s*(\d{1,9})\s*;\s*w=(\d{1,9})\s*$/.exec(header('ratelimit-remaining') ?? '');
  const [, left, seconds] = told ?? [];
  if (left === undefined || seconds === undefined || Number(seconds) === 0) return undefined;
  return { left: Number(left), windowMs: Number(seconds) * 1_000 };
}

/** A registry that does not limit pulls is asked again after this long. */
const unlimitedMs = 5 * 60_000;
/** When all pulls are spent, the registry is asked at least and at most this often. */
const [leastPollMs, mostPollMs] = [1_000, 5 * 60_000];

/** How long to wait until the registry is asked whether there are pulls again. */
export function pollMs(windowMs: number): number {
  return Math.min(mostPollMs, Math.max(leastPollMs, windowMs / 10));
}

/**
 * Of the pulls that are left, a tenth is for others who use the same login or address, and for
 * requests that are under way when the registry counts.
 */
export function usablePulls(left: number): number {
  return Math.floor(left * 0.9);
}

/**
 * Lets a worker read a manifest only if all workers together may: the registry never has to refuse.
 * How many are left is asked with a HEAD, which Docker Hub does not count.
 */
export class PullPermits {
  readonly #registry: string;
  readonly #budget: PullBudget;
  readonly #now: () => Date;
  /** Whether the registry is known to limit pulls. */
  #isLimited: boolean;
  #unlimitedUntil = 0;
  #told: PullLimit | undefined;
  /** How often an answer has named a limit. */
  #timesTold = 0;

  constructor(registry: string, budget: PullBudget, now = () => new Date()) {
    this.#registry = registry;
    this.#budget = budget;
    this.#now = now;
    this.#isLimited = registry === 'docker.io';
  }

  /** Called with what each answer says. */
  told(limit: PullLimit): void {
    this.#isLimited = true;
    this.#told = limit;
    this.#timesTold += 1;
  }

  /**
   * Waits for the permission to read one manifest.
   *
   * @param look asks the registry something that it does not count
   * @throws RegistryError TOOMANYREQUESTS if no pull is left
   */
  async take(context: OperationContext, look: () => Promise<unknown>): Promise<void> {
    if (!this.#isLimited || this.#now().getTime() < this.#unlimitedUntil) return;
    let taken = await this.#budget.take(this.#registry, this.#now());
    if (taken.kind === 'unknown') {
      // Others may look at the same time.
      const before = this.#timesTold;
      await look();
      if (this.#told === undefined || this.#timesTold === before) {
        this.#unlimitedUntil = this.#now().getTime() + unlimitedMs;
        return;
      }
      await this.#budget.tell(this.#registry, this.#told, this.#now());
      taken = await this.#budget.take(this.#registry, this.#now());
    }
    if (taken.kind === 'taken') return;
    const now = this.#now().getTime();
    const retryAfterMs =
      taken.kind === 'spent' ? Math.max(leastPollMs, taken.until.getTime() - now) : leastPollMs;
    throw new RegistryError(context, {
      code: 'TOOMANYREQUESTS',
      reason: 'the pulls that its rate limit allows are used up',
      status: 429,
      temporary: true,
      retryAfterMs,
    });
  }
}
