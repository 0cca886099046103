import { describe, expect, it, vi } from 'vitest';
import { Flights } from '../../../core/async/flights.ts';

describe('Flights', () => {
  it('does the work once for all who ask meanwhile, and again for later callers', async () => {
    const flights = new Flights<number>();
    const work = vi.fn(async () => work.mock.calls.length);
    expect(
      await Promise.all([flights.join('a', work), flights.join('a', work), flights.join('b', work)]),
    ).toEqual([1, 1, 2]);
    expect(await flights.join('a', work)).toBe(3);
  });

  it('passes a failure to all, and keeps none', async () => {
    const flights = new Flights<string>();
    const failing = async () => Promise.reject(new Error('no'));
    const results = await Promise.allSettled([flights.join('a', failing), flights.join('a', failing)]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await flights.join('a', async () => 'yes')).toBe('yes');
  });

  it('lets one caller leave without ending the work of the others', async () => {
    const flights = new Flights<string>();
    const { promise, resolve } = Promise.withResolvers<string>();
    const controller = new AbortController();
    const reason = new Error('mine');
    let shared: AbortSignal | undefined;
    const start = (signal: AbortSignal) => {
      shared = signal;
      return promise;
    };
    const leaving = flights.join('a', start, controller.signal);
    const staying = flights.join('a', start);
    controller.abort(reason);
    await expect(leaving).rejects.toBe(reason);
    expect(shared?.aborted).toBe(false);
    resolve('done');
    expect(await staying).toBe('done');
  });

  it('aborts the work when the last caller leaves, and starts over after that', async () => {
    const flights = new Flights<string>();
    const controller = new AbortController();
    const started: AbortSignal[] = [];
    const start = (signal: AbortSignal) => {
      started.push(signal);
      return started.length === 1 ? new Promise<string>(() => {}) : Promise.resolve('second');
    };
    const leaving = flights.join('a', start, controller.signal);
    controller.abort();
    await expect(leaving).rejects.toThrow(/abort/i);
    expect(started[0]?.aborted).toBe(true);
    expect(await flights.join('a', start)).toBe('second');
  });
});
