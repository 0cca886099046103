import { describe, expect, it } from 'vitest';
import type { MappedTag } from '../../../core/mapping/store.ts';
import { digestOf } from '../../../core/oci/digest.ts';
import { compareTag, wantedBy } from '../../../core/reconcile/compare.ts';
import { readListing } from '../../../core/reconcile/differences.ts';
import type { ListedTag } from '../../../core/registry/operations/lists/tags.ts';
import { rulesConfig } from '../../support/memory-reconcile.ts';

const one = digestOf(Buffer.from('one'));
const two = digestOf(Buffer.from('two'));
const mirrorRepository = 'mirror/ghcr.io/acme/app';

function ruleOf(text: string) {
  const rule = rulesConfig(text).upstreams[0]?.repositories[0];
  if (!rule) throw new Error('no rule');
  return rule;
}

const mirrorTags = new Map([
  ['1', one],
  ['2', two],
]);
const wanted = wantedBy(ruleOf('{ match: acme/app }'), { mirrorRepository, mirrorTags });
const { fingerprint } = wanted;
const mapped = (more: Partial<MappedTag> = {}): MappedTag => ({
  tag: '1',
  sourceDigest: one,
  digest: one,
  mirrorRepository,
  pin: false,
  fingerprint,
  ...more,
});

describe('a tag and its mapping', () => {
  it.each([
    ['same', { tag: '1', digest: one }, mapped()],
    ['moved', { tag: '1', digest: two }, mapped()],
    ['untold', { tag: '1' }, mapped()],
    ['strayed', { tag: '1', digest: one }, mapped({ digest: two })],
    ['missing', { tag: '1', digest: one }, undefined],
    ['pinned', { tag: '1', digest: two }, mapped({ pin: true })],
    ['rule', { tag: '1', digest: one }, mapped({ fingerprint: 'another' })],
    ['rule', { tag: '1', digest: one }, mapped({ mirrorRepository: 'former/ghcr.io/acme/app' })],
  ] as const)('are %s', (expected, listed, before) => {
    expect(compareTag(listed, before, wanted)).toBe(expected);
  });
});

describe('a list of tags', () => {
  async function* listOf(...tags: string[]): AsyncGenerator<ListedTag> {
    for (const tag of tags) yield { tag };
  }
  const all = new Map(
    ['1.0', '2.0', 'edge'].map((tag) => [tag, mapped({ tag, pin: tag === 'edge' })] as const),
  );

  it('is reduced to what the rule selects, and tells what is gone', async () => {
    const rule = ruleOf('{ match: acme/app, tags: { include: ["*.*"], latest: 2 } }');
    const listing = await readListing(rule, listOf('3.0', '2.0', '1.1', 'nightly'), all);
    expect(listing).toEqual({ tags: 4, selected: [{ tag: '2.0' }, { tag: '3.0' }], gone: ['1.0'] });
  });

  it('says nothing if it is cut short', async () => {
    async function* cut(): AsyncGenerator<ListedTag> {
      yield { tag: '1.0' };
      throw new Error('cut');
    }
    await expect(readListing(ruleOf('{ match: acme/app }'), cut(), all)).rejects.toThrow('cut');
  });
});
