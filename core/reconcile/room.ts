import { wait } from '../async/wait.ts';
import type { Limits, ReconcileDependencies } from './ports.ts';

/**
 * With so many jobs in the mirror queue, no more are added: a push that is reported now has at most
 * these before it.
 */
export const mostQueued = 100;
/** Looks at the queue while it is full, and how long. */
const lookEveryMs = 1_000;
const patienceMs = 60_000;

/** Room in the mirror queue: what events bring goes first. */
export class QueueRoom {
  readonly #deps: Pick<ReconcileDependencies, 'backlog' | 'pause' | 'now'>;
  #left = 0;
  /** While the queue is being looked at: all who wait share one look. */
  #looking: Promise<void> | undefined;

  constructor(deps: Pick<ReconcileDependencies, 'backlog' | 'pause' | 'now'>) {
    this.#deps = deps;
  }

  /**
   * Waits until there is room for at least one more job.
   *
   * @returns for how many there is; 0: the queue stays full, so continue another time
   */
  async take(wanted: number, { endsAt, signal }: Limits): Promise<number> {
    const { now, pause = wait } = this.#deps;
    const until = Math.min(endsAt, now().getTime() + patienceMs);
    for (;;) {
      if (this.#left <= 0) await this.#look();
      if (this.#left > 0) break;
      if (now().getTime() >= until) return 0;
      await pause(lookEveryMs, signal);
    }
    const taken = Math.min(wanted, this.#left);
    this.#left -= taken;
    return taken;
  }

  #look(): Promise<void> {
    this.#looking ??= this.#deps
      .backlog()
      .then((backlog) => {
        this.#left = mostQueued - backlog;
      })
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }
}
