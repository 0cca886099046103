import { AsyncLocalStorage } from 'node:async_hooks';
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';

/** What a process gets instead of clock, timers and dice. */
export interface Surroundings {
  now(): number;
  /** Calls back later; the time may be zero. */
  later(ms: number, call: () => void, repeats: boolean): { cancel(): void };
  /** Bytes that look random, and are the same in each run. */
  bytes(count: number): Buffer;
}

const inside = new AsyncLocalStorage<Surroundings>();

/** Runs work as part of a process. What it begins later belongs to the process as well. */
export function runInside<T>(surroundings: Surroundings, work: () => T): T {
  return inside.run(surroundings, work);
}

/** The process that is running; undefined outside of all. */
export function currentSurroundings(): Surroundings | undefined {
  return inside.getStore();
}

/**
 * Replaces clock, timers and dice for code that runs inside of a process, so that a run can be
 * repeated exactly. Everything else, such as the test runner, keeps the real ones.
 *
 * @returns puts the real ones back
 */
export function makeVirtual(): () => void {
  const real = {
    Date: globalThis.Date,
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
    setInterval: globalThis.setInterval,
    clearInterval: globalThis.clearInterval,
    random: Math.random,
    performanceNow: performance.now,
    sleep: timers.setTimeout,
    immediate: timers.setImmediate,
    randomUUID: crypto.randomUUID,
    randomBytes: crypto.randomBytes,
  };
  class VirtualDate extends real.Date {
    constructor(...parameters: [] | [number | string]) {
      const now = inside.getStore()?.now();
      if (parameters.length === 0 && now !== undefined) super(now);
      else super(...(parameters as [number]));
    }
    static override now(): number {
      return inside.getStore()?.now() ?? real.Date.now();
    }
  }
  const cancellable = (repeats: boolean, otherwise: typeof setTimeout) =>
    ((call: () => void, ms = 0, ...more: []) => {
      const surroundings = inside.getStore();
      return surroundings ? surroundings.later(ms, call, repeats) : otherwise(call, ms, ...more);
    }) as unknown as typeof setTimeout;
  const clear = (otherwise: typeof clearTimeout) =>
    ((timer: { cancel?: () => void } | undefined) => {
      if (typeof timer?.cancel === 'function') timer.cancel();
      else otherwise(timer as NodeJS.Timeout | undefined);
    }) as typeof clearTimeout;

  globalThis.Date = VirtualDate as DateConstructor;
  globalThis.setTimeout = cancellable(false, real.setTimeout);
  globalThis.setInterval = cancellable(true, real.setInterval as typeof setTimeout) as typeof setInterval;
  globalThis.clearTimeout = clear(real.clearTimeout);
  globalThis.clearInterval = clear(real.clearInterval as typeof clearTimeout);
  Math.random = () => (inside.getStore() ? 0.5 : real.random());
  performance.now = () => inside.getStore()?.now() ?? real.performanceNow.call(performance);
  timers.setTimeout = ((ms?: number, value?: unknown, options?: { signal?: AbortSignal }) => {
    const surroundings = inside.getStore();
    if (!surroundings) return real.sleep(ms, value, options);
    return new Promise<unknown>((resolve) => {
      surroundings.later(ms ?? 0, () => resolve(value), false);
    });
  }) as typeof timers.setTimeout;
  timers.setImmediate = ((value?: unknown) =>
    inside.getStore() ? Promise.resolve(value) : real.immediate(value)) as typeof timers.setImmediate;
  crypto.randomUUID = ((...options: []) => {
    const surroundings = inside.getStore();
    return surroundings ? surroundings.bytes(12).toString('hex') : real.randomUUID(...options);
  }) as typeof crypto.randomUUID;
  crypto.randomBytes = ((count: number) =>
    inside.getStore()?.bytes(count) ?? real.randomBytes(count)) as typeof crypto.randomBytes;
  syncBuiltinESMExports();

  return () => {
    globalThis.Date = real.Date;
    globalThis.setTimeout = real.setTimeout;
    globalThis.clearTimeout = real.clearTimeout;
    globalThis.setInterval = real.setInterval;
    globalThis.clearInterval = real.clearInterval;
    Math.random = real.random;
    performance.now = real.performanceNow;
    timers.setTimeout = real.sleep;
    timers.setImmediate = real.immediate;
    crypto.randomUUID = real.randomUUID;
    crypto.randomBytes = real.randomBytes;
    syncBuiltinESMExports();
  };
}
