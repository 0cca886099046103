import { describe, expect, it } from 'vitest';
import { inParallel } from '../../../core/async/in-parallel.ts';
import { copyBlobs } from '../../../core/copy/copy.ts';
import { plan } from '../../../core/copy/plan.ts';
import { streamsOf } from '../../../core/copy/streams.ts';
import { StreamLimit } from '../../../core/registry/stream-limit.ts';
import { storeWith } from '../../support/memory-image.ts';
import { MemoryStore } from '../../support/memory-store.ts';
import { destinationLike, sourceLike } from '../../support/recording-stores.ts';
import { seededImage } from '../../support/seeded-image.ts';

/** Work that goes on until the test ends it, oldest first. */
function held() {
  const running: (() => void)[] = [];
  return {
    running,
    work: () => new Promise<void>((resolve) => running.push(resolve)),
    async end(count: number) {
      for (const resolve of running.splice(0, count)) resolve();
      await settled();
    },
  };
}
const settled = () => new Promise((resolve) => setImmediate(resolve));
const quick = (limit: StreamLimit, count: number) => {
  for (let n = 0; n < count; n += 1) limit.answered(10);
};

describe('work in parallel under a limit that changes', () => {
  it('starts more as soon as there is room for more, and less when there is not', async () => {
    const limit = new StreamLimit();
    const { running, work, end } = held();
    const all = inParallel(Array.from({ length: 60 }), streamsOf({ streams: limit }), work);
    await settled();
    expect(running).toHaveLength(16);
    quick(limit, 4);
    await settled();
    expect(running, 'nothing had to end first').toHaveLength(20);
    limit.throttled();
    await end(9);
    expect(running, 'ten are allowed, and eleven are under way').toHaveLength(11);
    await end(3);
    expect(running).toHaveLength(10);
    while (running.length > 0) await end(running.length);
    await all;
  });

  it('takes the lower of two limits, and a fixed one if there is none', async () => {
    const [low, high] = [new StreamLimit(), new StreamLimit()];
    low.throttled();
    quick(high, 10);
    const both = streamsOf({ streams: high }, { streams: low }, {});
    expect(both.value).toBe(8);
    expect(streamsOf({}, {}).value).toBe(8);
  });

  it('stops following the limit when all is done', async () => {
    let listeners = 0;
    const limit = {
      value: 2,
      onChange: () => {
        listeners += 1;
        return () => {
          listeners -= 1;
        };
      },
    };
    await inParallel([1, 2, 3], limit, async () => expect(listeners).toBe(1));
    expect(listeners).toBe(0);
    await expect(
      inParallel([1, 2, 3], limit, async () => {
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(listeners).toBe(0);
  });
});

it('blobs follow the limits of both registries while they travel', async () => {
  const image = seededImage({
    seed: 'many',
    layers: Array.from({ length: 39 }, (_, n) => ({ size: n + 1 })),
  });
  const store = storeWith(image);
  const [upstream, mirror] = [new StreamLimit(), new StreamLimit()];
  const { running, work, end } = held();
  const memory = new MemoryStore('mirror');
  const source = sourceLike(store, {
    streams: upstream,
    blob: async (blob, options) => {
      await work();
      return await store.blob(blob, options);
    },
  });
  const destination = destinationLike(memory, { streams: mirror });
  const copying = copyBlobs(source, destination, await plan(store, memory, 'latest'));
  await settled();
  expect(running).toHaveLength(16);
  quick(upstream, 4);
  await settled();
  expect(running, 'the mirror accepts no more').toHaveLength(16);
  quick(mirror, 2);
  await settled();
  expect(running).toHaveLength(18);
  upstream.throttled();
  await end(12);
  expect(running).toHaveLength(10);
  while (running.length > 0) await end(running.length);
  expect((await copying).transfer.copied.blobs).toBe(40);
});
