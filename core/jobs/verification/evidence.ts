import type { Evidence, MappingRecord } from '../../mapping/record.ts';
import type { Digest } from '../../oci/digest.ts';
import { boundedText } from '../../oci/plain-text.ts';
import type { Verified } from '../../verify/verdict.ts';

/** At most so many signatures are kept. */
const mostSignatures = 20;
/** A certificate's identity is text from outside, and a record must stay small. */
const maxTextLength = 500;

/** Evidence in the size that a record may have. */
export function evidenceOf({ digest, at, signatures }: Verified, verifiedUnder: string): Evidence {
  const kept = signatures.slice(0, mostSignatures).map(({ by, predicateType, ...signature }) => ({
    ...signature,
    by: boundedText(by, maxTextLength),
    ...(predicateType !== undefined && { predicateType: boundedText(predicateType, maxTextLength) }),
  }));
  return { verified: { digest, at, signatures: kept }, verifiedUnder };
}

/**
 * What is known already: the tag, or the digest itself, is mapped to this content, which was
 * verified under the same rule. Of a manifest below an index, the index may be what was verified.
 */
export function evidenceIn(
  mapping: Pick<MappingRecord, 'sourceDigest' | 'verified' | 'verifiedUnder'> | undefined,
  digest: Digest,
  { fingerprint }: { fingerprint: string },
): Evidence | undefined {
  if (mapping?.verified === undefined || mapping.verifiedUnder === undefined) return undefined;
  const { sourceDigest, verified, verifiedUnder } = mapping;
  const isCovered = sourceDigest === digest && verifiedUnder === fingerprint;
  return isCovered ? { verified, verifiedUnder } : undefined;
}

/** What an earlier attempt verified before it handed the image's layers out. */
export function evidenceOfLayers(
  fannedOut: { sourceDigest: Digest; evidence?: Evidence } | undefined,
  digest: Digest,
  { fingerprint }: { fingerprint: string },
): Evidence | undefined {
  const evidence = fannedOut?.evidence;
  const isCovered = evidence?.verified.digest === digest && evidence.verifiedUnder === fingerprint;
  return isCovered ? evidence : undefined;
}
