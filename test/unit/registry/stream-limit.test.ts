import { describe, expect, it } from 'vitest';
import { StreamLimit } from '../../../core/registry/stream-limit.ts';

const answers = (limit: StreamLimit, count: number, ms: number) => {
  for (let n = 0; n < count; n += 1) limit.answered(ms);
};

describe('how many streams are opened to a registry', () => {
  it('begins at 16 and grows by one with each quick answer, up to 64', () => {
    const limit = new StreamLimit();
    expect(limit.value).toBe(16);
    answers(limit, 4, 20);
    expect(limit.value).toBe(20);
    answers(limit, 1_000, 25);
    expect(limit.value).toBe(64);
  });

  it('does not grow while answers are slower than they could be', () => {
    const limit = new StreamLimit();
    limit.answered(20);
    const before = limit.value;
    answers(limit, 1_000, 161); // three times the quickest, and 100 ms
    expect(limit.value).toBe(before);
    limit.answered(160);
    expect(limit.value).toBe(before + 1);
  });

  it('does not stay low forever if a registry has become slower for good', () => {
    const limit = new StreamLimit();
    answers(limit, 20, 5);
    for (let n = 0; n < 8; n += 1) limit.throttled(n * 1_000);
    expect(limit.value).toBe(1);
    answers(limit, 1_000, 140);
    expect(limit.value).toBeGreaterThanOrEqual(16);
  });

  it('is halved once for a burst of refusals, and again for the next burst', () => {
    const limit = new StreamLimit();
    for (let n = 0; n < 16; n += 1) limit.throttled(10_000 + n);
    expect(limit.value).toBe(8);
    limit.throttled(10_999);
    expect(limit.value).toBe(8);
    limit.throttled(11_000);
    expect(limit.value).toBe(4);
  });

  it('is never less than one', () => {
    const limit = new StreamLimit();
    for (let n = 0; n < 20; n += 1) limit.throttled(n * 1_000);
    expect(limit.value).toBe(1);
  });

  it('recovers by one with a whole round of quick answers', () => {
    const limit = new StreamLimit();
    limit.throttled(0);
    answers(limit, 8, 20);
    expect(limit.value).toBe(8);
    limit.answered(20);
    expect(limit.value).toBe(9);
    answers(limit, 5_000, 20);
    expect(limit.value).toBe(64);
  });

  it('reports each change of the whole number, until nobody wants to know', () => {
    const limit = new StreamLimit();
    const told: number[] = [];
    const stop = limit.onChange(() => told.push(limit.value));
    answers(limit, 2, 20);
    limit.throttled(0);
    answers(limit, 3, 20);
    expect(told).toEqual([17, 18, 9]);
    stop();
    answers(limit, 100, 20);
    expect(told).toHaveLength(3);
  });
});
