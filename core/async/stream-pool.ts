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

interface Waiting extends Turn {
  begin(): void;
}

/** One limit while somebody uses it or waits for it. */
interface Use {
  running: number;
  waiting: number;
  stop(): void;
}

/**
 * Turns for work that shares limits: the largest first, each as soon as all its limits have room for one more. Limits may
 * change meanwhile, and different work may have different ones.
 */
export class StreamPool {
  /** The largest first; of equal ones the earliest. */
  readonly #waiting: Waiting[] = [];
  readonly #uses = new Map<Concurrency, Use>();

  #running = 0;

  /** How much is under way. */
  get running(): number {
    return this.#running;
  }

  /** How much waits for its turn. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Runs `work` when its turn comes. @throws what the work throws, or the signal's reason while it waits. */
  async run<T>(turn: Turn, work: () => Promise<T>): Promise<T> {
    await this.#turn(turn);
    this.#running += 1;
    try {
      const result = await work();
      this.#end(turn);
      return result;
    } catch (error) {
      // A failure may cancel what waits: whoever hears of it first decides.
      setImmediate(() => this.#end(turn));
      throw error;
    }
  }

  #end({ limits }: Turn): void {
    this.#running -= 1;
    for (const limit of limits) this.#use(limit).running -= 1;
    this.#beginNext();
    this.#forgetUnused(limits);
  }

  #turn(turn: Turn): Promise<void> {
    const { signal, limits } = turn;
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = () => {
      signal?.removeEventListener('abort', abort);
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      for (const limit of limits) this.#use(limit).waiting -= 1;
    };
    const abort = () => {
      leave();
      this.#forgetUnused(limits);
      reject(signal?.reason);
    };
    const waiting: Waiting = {
      ...turn,
      begin: () => {
        leave();
        for (const limit of limits) this.#use(limit).running += 1;
        resolve();
      },
    };
    signal?.addEventListener('abort', abort, { once: true });
    for (const limit of limits) this.#use(limit).waiting += 1;
    this.#waiting.splice(this.#placeOf(turn.size), 0, waiting);
    this.#beginNext();
    return promise;
  }

  /** Behind everything that is as large. */
  #placeOf(size: number): number {
    let low = 0;
    let high = this.#waiting.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#waiting[middle]?.size ?? 0) >= size) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #beginNext(): void {
    const full = new Set<Concurrency>();
    for (let at = 0; at < this.#waiting.length && full.size < this.#uses.size; ) {
      const waiting = this.#waiting[at];
      const lacking = waiting?.limits.find((limit) => full.has(limit) || !this.#hasRoom(limit));
      if (lacking === undefined) waiting?.begin();
      else {
        if (!this.#hasRoom(lacking)) full.add(lacking);
        at += 1;
      }
    }
  }

  #hasRoom(limit: Concurrency): boolean {
    return this.#use(limit).running < Math.max(1, limit.value);
  }

  #use(limit: Concurrency): Use {
    const known = this.#uses.get(limit);
    if (known) return known;
    const use = { running: 0, waiting: 0, stop: limit.onChange(() => this.#beginNext()) };
    this.#uses.set(limit, use);
    return use;
  }

  /** Limits outlive the pool: nobody shall be called back for nothing. */
  #forgetUnused(limits: readonly Concurrency[]): void {
    for (const limit of limits) {
      const use = this.#uses.get(limit);
      if (use && use.running === 0 && use.waiting === 0) {
        use.stop();
        this.#uses.delete(limit);
      }
    }
  }
}
