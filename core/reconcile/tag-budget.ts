import { orAborted } from '../async/or-aborted.ts';

/** So many tags all comparisons hold together; one of them may go beyond it. */
export const sharedTags = 200_000;

/**
 * How many tags comparisons hold at once. Lists are long, and an upstream may make them longer: all
 * of them at their longest would be more than the function's memory. A list that does not fit waits
 * until others are done, or until it is the only one that goes beyond the limit. That one always
 * gets on, so the others do, too.
 */
export class TagBudget {
  readonly #limit: number;
  #held = 0;
  #beyond: TagShare | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(limit = sharedTags) {
    this.#limit = limit;
  }

  /** What one comparison holds; it must be given back. */
  open(): TagShare {
    let held = 0;
    const share: TagShare = {
      reach: async (tags, signal) => {
        const more = tags - held;
        if (more <= 0) return;
        while (this.#beyond !== share && this.#held + more > this.#limit) {
          if (this.#beyond === undefined) {
            this.#beyond = share;
            break;
          }
          await this.#changed(signal);
        }
        held = tags;
        this.#held += more;
      },
      [Symbol.dispose]: () => {
        this.#held -= held;
        held = 0;
        if (this.#beyond === share) this.#beyond = undefined;
        for (const wake of this.#waiting) wake();
      },
    };
    return share;
  }

  /** Waits until some comparison has given back what it held. */
  async #changed(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    try {
      await orAborted(promise, signal);
    } finally {
      this.#waiting.delete(resolve);
    }
  }
}

/** The tags of one comparison. */
export interface TagShare extends Disposable {
  /** Waits until this many tags may be held. @throws the signal's reason */
  reach(tags: number, signal: AbortSignal): Promise<void>;
}
