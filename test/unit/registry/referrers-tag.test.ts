import { expect, it } from 'vitest';
import { referrersTag } from '../../../core/registry/operations/referrers.ts';

it('names the tag of an image’s referrers, cut to a tag’s length', () => {
  expect(referrersTag(`sha256:${'ab'.repeat(32)}`)).toBe(`sha256-${'ab'.repeat(32)}`);
  expect(referrersTag(`sha512:${'cd'.repeat(64)}`)).toBe(`sha512-${'cd'.repeat(32)}`);
});
