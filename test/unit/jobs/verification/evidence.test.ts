import { describe, expect, it } from 'vitest';
import { evidenceIn, evidenceOf, evidenceOfLayers } from '../../../../core/jobs/verification/evidence.ts';
import { digestOf } from '../../../../core/oci/digest.ts';
import type { Verified } from '../../../../core/verify/verdict.ts';
import { mappingOf } from '../mirror/records.ts';

const [own, other] = [digestOf(Buffer.from('a')), digestOf(Buffer.from('b'))];
const verified: Verified = {
  digest: own,
  at: '2026-04-01T12:00:00.000Z',
  signatures: [{ kind: 'signature', by: 'key SHA256:abc', manifest: other }],
};
const under = (fingerprint: string) => ({ fingerprint });

describe('what was verified', () => {
  it.each([
    ['the same content and rule', mappingOf('a', { verified, verifiedUnder: 'rule' }), true],
    ['another rule', mappingOf('a', { verified, verifiedUnder: 'earlier' }), false],
    ['other content', mappingOf('b', { verified, verifiedUnder: 'rule' }), false],
    ['nothing verified', mappingOf('a'), false],
    ['a fingerprint without evidence', mappingOf('a', { verifiedUnder: 'rule' }), false],
    ['no mapping', undefined, false],
  ])('counts for a mapping with %s: %s', (_, mapping, counts) => {
    expect(evidenceIn(mapping, own, under('rule')) !== undefined).toBe(counts);
  });

  it('counts for a manifest below an index that was verified', () => {
    const child = mappingOf('b', { verified, verifiedUnder: 'rule' });
    expect(evidenceIn(child, other, under('rule'))?.verified.digest).toBe(own);
  });

  it.each([
    ['the same image and rule', own, 'rule', true],
    ['another image', other, 'rule', false],
    ['another rule', own, 'changed', false],
  ])('counts after its layers are carried for %s: %s', (_, digest, fingerprint, counts) => {
    const evidence = evidenceOf(verified, 'rule');
    const fannedOut = {
      sourceDigest: digest,
      event: 1,
      resolve: 1,
      observedAt: verified.at,
      since: verified.at,
      layers: [],
      transfer: {
        copied: { blobs: 0, bytes: 0 },
        mounted: { blobs: 0, bytes: 0 },
        present: { blobs: 0, bytes: 0 },
      },
    };
    expect(evidenceOfLayers(fannedOut, own, under('rule'))).toBeUndefined();
    const found = evidenceOfLayers({ ...fannedOut, evidence }, digest, under(fingerprint));
    expect(found !== undefined).toBe(counts);
  });

  it('is kept within bounds, and without control characters', () => {
    const by = `\u001b[31m${'x'.repeat(2_000)}`;
    const signatures = Array.from({ length: 50 }, () => ({ kind: 'signature' as const, by, manifest: own }));
    const kept = evidenceOf({ ...verified, signatures }, 'rule').verified.signatures;
    expect(kept).toHaveLength(20);
    expect(kept[0]?.by).toMatch(/^ \[31mx+…$/);
    expect(kept[0]?.by).toHaveLength(500);
  });
});
