import type { SQSRecord } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { holdMessages } from '../../../lambda/shared/messages.ts';

const record = (name: string) => ({ receiptHandle: name, messageId: name }) as SQSRecord;

describe('messages that are held', () => {
  const hidden: string[] = [];
  beforeEach(() => {
    vi.useFakeTimers();
    hidden.splice(0);
  });
  afterEach(() => void vi.useRealTimers());

  const queue = {
    hideFor: async (handle: string, seconds: number) => void hidden.push(`${handle} ${seconds}`),
  };
  const inTheNext = async (ms: number) => {
    hidden.splice(0);
    await vi.advanceTimersByTimeAsync(ms);
    return [...hidden];
  };

  it('are hidden at once, and again each minute', async () => {
    const hold = holdMessages([record('a'), record('b')], queue);
    expect(hidden).toEqual(['a 120', 'b 120']);
    expect(await inTheNext(59_999)).toEqual([]);
    expect(await inTheNext(1)).toEqual(['a 120', 'b 120']);
    await hold.end();
    expect(await inTheNext(600_000)).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('are released one by one', async () => {
    const [a, b] = [record('a'), record('b')];
    const hold = holdMessages([a, b], queue);
    await hold.end(a);
    expect(await inTheNext(60_000)).toEqual(['b 120']);
    await hold.end(b);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('are released only when what was sent for them has been answered', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const hold = holdMessages([record('a')], { hideFor: () => promise });
    let ended = false;
    const ending = hold.end().then(() => {
      ended = true;
    });
    await inTheNext(1_000);
    expect(ended).toBe(false);
    resolve();
    await ending;
  });

  it('are released if the queue refuses to hide them', async () => {
    const hold = holdMessages([record('a')], { hideFor: () => Promise.reject(new Error('denied')) });
    await hold.end();
    expect(vi.getTimerCount()).toBe(0);
  });
});
