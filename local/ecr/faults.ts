/** What goes wrong. */
export type FaultAction =
  /** Answers at once with this status; `headers` such as Retry-After. */
  | { kind: 'status'; status: number; headers?: Record<string, string> }
  /**
   * Breaks the connection: at once, or after so many bytes of the request's or the answer's body.
   */
  | { kind: 'cut'; afterBytes?: number }
  /** Waits before it begins, and limits the rate of each body. */
  | { kind: 'slow'; bytesPerSecond?: number; delayMs?: number }
  /**
   * Goes silent and keeps the connection: at once, or after so many bytes of a body. With `forMs`,
   * the connection breaks after that time.
   */
  | { kind: 'stall'; afterBytes?: number; forMs?: number }
  /**
   * Changes one bit of the answer's first body byte, so that its digest does not match any more.
   */
  | { kind: 'corrupt' };

/** The requests that a fault applies to. */
export interface FaultMatch {
  method?: string;
  /** A string that the path (with its query) contains, or a pattern for it. */
  path?: RegExp | string;
  /** An operation of the ECR API, such as `PutImage`. */
  operation?: string;
  /** How often it happens; without it, until it is removed. */
  times?: number;
  /** How likely it is for each request that matches, 0 to 1; default 1. */
  probability?: number;
  /** The seed for the random numbers, so that they repeat; default 1. */
  seed?: number;
}

/** A fault that tests can switch on. */
export interface Fault {
  match: FaultMatch;
  action: FaultAction;
}

/** A request, as faults see it. */
export interface FaultSubject {
  method: string;
  /** Including the query. */
  path: string;
  operation: string | undefined;
}

interface ArmedFault extends Fault {
  left: number;
  random: () => number;
}

/** The faults that are switched on. The first that matches applies. */
export class FaultSwitches {
  #faults: ArmedFault[] = [];

  /** Switches a fault on. @returns a function that switches it off */
  add(fault: Fault): () => void {
    const armed = { ...fault, left: fault.match.times ?? Infinity, random: randomOf(fault.match.seed ?? 1) };
    this.#faults.push(armed);
    return () => {
      this.#faults = this.#faults.filter((other) => other !== armed);
    };
  }

  /** Switches all faults off. */
  clear(): void {
    this.#faults = [];
  }

  /** The fault for a request. */
  take(subject: FaultSubject): FaultAction | undefined {
    for (const fault of this.#faults) {
      if (fault.left <= 0 || !matches(fault.match, subject)) continue;
      if (fault.random() >= (fault.match.probability ?? 1)) continue;
      fault.left -= 1;
      return fault.action;
    }
    return undefined;
  }
}

function matches({ method, path, operation }: FaultMatch, subject: FaultSubject): boolean {
  if (method !== undefined && method.toUpperCase() !== subject.method) return false;
  if (operation !== undefined && operation !== subject.operation) return false;
  if (path === undefined) return true;
  // `search` has no state between calls, unlike `test` on a pattern with the flag g.
  return typeof path === 'string' ? subject.path.includes(path) : subject.path.search(path) >= 0;
}

/** Numbers from 0 to 1 that are the same for the same seed: mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
