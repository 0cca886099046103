import { type Digest, digestAlgorithm } from './digest.ts';

/**
 * Tags under which cosign keeps signatures, attestations and SBOMs of an image, and the referrers
 * fallback tag. https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema
 */
const signatureTag = /^sha256-([0-9a-f]{64})(\.(sig|att|sbom))?$/;

/** What cosign appends to the tag of an image's digest, one for each kind of content. */
const cosignSuffixes = ['sig', 'att', 'sbom'];

/**
 * Whether a tag belongs to another image. Such a tag is copied with its image and is never an image
 * of its own.
 */
export function isSignatureTag(tag: string): boolean {
  return signatureTag.test(tag);
}

/** The image that such a tag belongs to; undefined if the tag is not of this kind. */
export function signatureSubject(tag: string): Digest | undefined {
  const hex = signatureTag.exec(tag)?.[1];
  return hex === undefined ? undefined : `sha256:${hex}`;
}

/**
 * The tags under which cosign would keep what belongs to an image. None for sha512: with its 128
 * digits, the name would be too long for a tag.
 */
export function cosignTags(subject: Digest): string[] {
  if (digestAlgorithm(subject) !== 'sha256') return [];
  return cosignSuffixes.map((suffix) => `${subject.replace(':', '-')}.${suffix}`);
}
