import { below, type Dice, dice } from '../unit/webhooks/mutate.ts';
import { intercepted } from './intercepted.ts';

/**
 * Lets the calls of several parties go on one at a time, in an order that a seed chooses: the same
 * work is done in many interleavings.
 */
export class SeededTurns {
  readonly #roll: Dice;
  readonly #waiting: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(seed: number) {
    this.#roll = dice(seed);
  }

  /** Waits for its turn among all that wait. */
  async turn(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    this.#schedule();
    await promise;
  }

  /** The same object, each of whose methods first waits for its turn. */
  inTurns<T extends object>(target: T): T {
    return intercepted(target, async ({ go }) => {
      await this.turn();
      return await go();
    });
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const [go] = this.#waiting.splice(below(this.#roll, this.#waiting.length), 1);
      go?.();
      if (this.#waiting.length > 0) this.#schedule();
    });
  }
}
