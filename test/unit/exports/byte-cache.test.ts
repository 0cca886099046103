import { describe, expect, it } from 'vitest';
import { ByteCache } from '../../../core/exports/byte-cache.ts';

const bytes = (size: number) => new Uint8Array(size);

describe('a cache of bytes', () => {
  it('drops what was not used for the longest time when it is full', () => {
    const cache = new ByteCache(10);
    for (const key of ['a', 'b', 'c']) cache.set(key, bytes(3));
    expect(cache.get('a')).toHaveLength(3);
    cache.set('d', bytes(3));
    expect(cache.get('b')).toBeUndefined();
    for (const key of ['a', 'c', 'd']) expect(cache.get(key)).toHaveLength(3);
  });

  it('makes room for a large value, and counts a replaced one once', () => {
    const cache = new ByteCache(10);
    cache.set('a', bytes(4));
    cache.set('a', bytes(5));
    cache.set('b', bytes(5));
    expect(cache.get('a')).toHaveLength(5);
    cache.set('c', bytes(10));
    expect(cache.get('a')).toBeUndefined();
    expect(cache.get('b')).toBeUndefined();
    expect(cache.get('c')).toHaveLength(10);
  });

  it('does not keep what is larger than the whole', () => {
    const cache = new ByteCache(10);
    cache.set('a', bytes(1));
    cache.set('b', bytes(11));
    expect(cache.get('b')).toBeUndefined();
    expect(cache.get('a')).toHaveLength(1);
    cache.set('a', bytes(11));
    expect(cache.get('a')).toBeUndefined();
  });
});
