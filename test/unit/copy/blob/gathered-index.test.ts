import { describe, expect, it } from 'vitest';
import { gatheredLookUps } from '../../../../core/copy/blob/gathered-index.ts';
import type { LayerIndex } from '../../../../core/copy/blob/layer-index.ts';
import { type Digest, digestOf } from '../../../../core/oci/digest.ts';

const [a, b, c] = ['a', 'b', 'c'].map((name) => digestOf(Buffer.from(name))) as [Digest, Digest, Digest];

/** An index in which `one` holds every blob except `c`, and which records what it is asked. */
function recording() {
  const asked: Digest[][] = [];
  const added: string[] = [];
  let failure: Error | undefined;
  const index: LayerIndex = {
    async find(digests) {
      asked.push(digests);
      if (failure) throw failure;
      return new Map(digests.filter((digest) => digest !== c).map((digest) => [digest, ['one']]));
    },
    async add(repository, digests) {
      if (failure) throw failure;
      added.push(...digests.map((digest) => `${repository} ${digest}`));
    },
    drop: async () => {},
  };
  return { index: gatheredLookUps(index), asked, added, fail: (error?: Error) => (failure = error) };
}

describe('a layer index for images that are copied at the same time', () => {
  it('asks once for what is looked up at the same time, and gives each caller its own answer', async () => {
    const { index, asked } = recording();
    const found = await Promise.all([index.find([a, b]), index.find([b, c]), index.find([c])]);
    expect(asked).toEqual([[a, b, c]]);
    expect(found.map((each) => [...each.keys()])).toEqual([[a, b], [b], []]);
    await index.find([a]);
    expect(asked).toHaveLength(2);
  });

  it('fails for all that ask together, and asks again the next time', async () => {
    const { index, fail } = recording();
    fail(new Error('throttled'));
    const found = await Promise.allSettled([index.find([a]), index.find([b])]);
    expect(found.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    fail();
    expect(await index.find([a])).toEqual(new Map([[a, ['one']]]));
  });

  it('ends for the image that is given up, and for no other', async () => {
    const { index } = recording();
    const abort = new AbortController();
    const given = index.find([a], { signal: abort.signal });
    const other = index.find([b]);
    abort.abort(new Error('interrupted'));
    await expect(given).rejects.toThrow('interrupted');
    expect(await other).toEqual(new Map([[b, ['one']]]));
  });

  it('adds what is shared once per repository, and again if that failed', async () => {
    const { index, added, fail } = recording();
    fail(new Error('throttled'));
    await expect(index.add('one', [a])).rejects.toThrow('throttled');
    fail();
    await Promise.all([index.add('one', [a, b]), index.add('one', [a, c]), index.add('two', [a])]);
    expect(added).toEqual([`one ${a}`, `one ${b}`, `one ${c}`, `two ${a}`]);
  });
});
