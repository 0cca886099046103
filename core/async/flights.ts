import { orAborted } from './or-aborted.ts';

/** Work in progress, shared by all callers that ask for the same thing. */
interface Flight<T> {
  result: Promise<T>;
  waiting: number;
  hasEnded: boolean;
  controller: AbortController;
}

/**
 * Work by key: a caller that asks while the work is in progress waits for the same result. A later
 * caller starts it again. A caller whose signal aborts leaves at once with the signal's reason. The
 * work itself is aborted when no caller waits for it any longer.
 */
export class Flights<T> {
  readonly #flights = new Map<string, Flight<T>>();
  readonly #waitsForEnd: boolean;

  /**
   * @param waitsForEnd whether the last caller to leave waits until the work that it aborted has
   * ended
   */
  constructor({ waitsForEnd = false } = {}) {
    this.#waitsForEnd = waitsForEnd;
  }

  async join(key: string, start: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    const flight = this.#flights.get(key) ?? this.#begin(key, start);
    flight.waiting += 1;
    try {
      return await orAborted(flight.result, signal);
    } finally {
      flight.waiting -= 1;
      if (flight.waiting === 0 && !flight.hasEnded) {
        this.#end(key, flight);
        flight.controller.abort();
        if (this.#waitsForEnd) await Promise.allSettled([flight.result]);
      }
    }
  }

  #begin(key: string, start: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const controller = new AbortController();
    const flight: Flight<T> = { result: start(controller.signal), waiting: 0, hasEnded: false, controller };
    const end = () => {
      flight.hasEnded = true;
      this.#end(key, flight);
    };
    flight.result.then(end, end);
    this.#flights.set(key, flight);
    return flight;
  }

  #end(key: string, flight: Flight<T>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }
}
