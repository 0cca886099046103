import { setImmediate } from 'node:timers';
import type { Concurrency } from './concurrency.ts';

/** Work that waits for its turn. */
export interface Turn {
  /** The largest goes first: the last to end is then a small one. */
  size: number;
  /** What it takes one of while it runs; it begins when all of these have room. */
  limits: readonly Concurrency[];
  /** Ends the wait with the signal's reason. Work that has begun ends itself. */
  signal?: AbortSignal | undefined;
}

interface Waiting {
  size: number;
  /** It was given up: it has no turn any more. */
  hasLeft: boolean;
  begin(): void;
}

/** Work that waits for the same limits. */
interface Line {
  limits: readonly Concurrency[];
  /** The next one is the last: the largest, of equal ones the earliest. */
  waiting: Waiting[];
}

/**
 * Turns for work that shares limits: the largest first, each as soon as all its limits have room
 * for one more. Limits may change meanwhile, and different work may have different ones.
 */
export class StreamPool {
  readonly #lines: Line[] = [];
  /** How much runs under each limit. */
  readonly #runningUnder = new Map<Concurrency, number>();
  /** How to stop following a limit. */
  readonly #following = new Map<Concurrency, () => void>();
  #running = 0;
  #waiting = 0;

  /** How much is under way. */
  get running(): number {
    return this.#running;
  }

  /** How much waits for its turn. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Runs `work` when its turn comes.
   *
   * @throws what the work throws, or the signal's reason while it waits.
   */
  async run<T>(turn: Turn, work: () => Promise<T>): Promise<T> {
    turn.signal?.throwIfAborted();
    await this.#turn(turn);
    try {
      const result = await work();
      this.#count(turn, -1);
      this.#beginNext();
      return result;
    } catch (error) {
      // A failure may cancel what waits: whoever receives it first decides.
      setImmediate(() => {
        this.#count(turn, -1);
        this.#beginNext();
      });
      throw error;
    }
  }

  #turn(turn: Turn): Promise<void> {
    const { size, limits, signal } = turn;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = () => {
      signal?.removeEventListener('abort', abort);
      this.#waiting -= 1;
    };
    const waiting: Waiting = {
      size,
      hasLeft: false,
      begin: () => {
        leave();
        this.#count(turn, 1);
        resolve();
      },
    };
    const abort = () => {
      leave();
      waiting.hasLeft = true;
      reject(signal?.reason);
      if (this.#waiting === 0) this.#beginNext();
    };
    signal?.addEventListener('abort', abort, { once: true });
    this.#waiting += 1;
    const line = this.#lineOf(limits);
    line.waiting.splice(placeOf(size, line.waiting), 0, waiting);
    this.#beginNext();
    return promise;
  }

  #lineOf(limits: readonly Concurrency[]): Line {
    const same = (line: Line) =>
      line.limits.length === limits.length && line.limits.every((limit, index) => limit === limits[index]);
    const known = this.#lines.find(same);
    if (known) return known;
    const line = { limits, waiting: [] };
    this.#lines.push(line);
    for (const limit of limits) {
      if (this.#following.has(limit)) continue;
      this.#following.set(
        limit,
        limit.onChange(() => this.#beginNext()),
      );
    }
    return line;
  }

  #beginNext(): void {
    for (;;) {
      const line = this.#nextLine();
      if (!line) break;
      line.waiting.pop()?.begin();
    }
    if (this.#waiting === 0 && this.#running === 0) this.#forget();
  }

  /** Of the lines whose limits have room, the one with the largest work. */
  #nextLine(): Line | undefined {
    let next: Line | undefined;
    let largest = Number.NEGATIVE_INFINITY;
    for (const line of this.#lines) {
      while (line.waiting.at(-1)?.hasLeft) line.waiting.pop();
      const first = line.waiting.at(-1);
      if (!first || first.size <= largest || !line.limits.every((limit) => this.#hasRoom(limit))) continue;
      next = line;
      largest = first.size;
    }
    return next;
  }

  #hasRoom(limit: Concurrency): boolean {
    return (this.#runningUnder.get(limit) ?? 0) < Math.max(1, limit.value);
  }

  #count({ limits }: Turn, change: 1 | -1): void {
    this.#running += change;
    for (const limit of limits) this.#runningUnder.set(limit, (this.#runningUnder.get(limit) ?? 0) + change);
  }

  /** Limits outlive the pool: an idle pool does not follow them. */
  #forget(): void {
    for (const stop of this.#following.values()) stop();
    this.#following.clear();
    this.#lines.length = 0;
    this.#runningUnder.clear();
  }
}

/** Before everything that is as large. */
function placeOf(size: number, waiting: readonly Waiting[]): number {
  let low = 0;
  let high = waiting.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((waiting[middle]?.size ?? 0) < size) low = middle + 1;
    else high = middle;
  }
  return low;
}
