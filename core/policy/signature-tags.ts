/**
 * Tags under which cosign keeps signatures, attestations and SBOMs of an image, and the referrers fallback tag.
 * https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#referrers-tag-schema
 */
const signatureTag = /^sha256-[0-9a-f]{64}(\.(sig|att|sbom))?$/;

/** Whether a tag belongs to another image. Such a tag travels with its image and is never an image of its own. */
export function isSignatureTag(tag: string): boolean {
  return signatureTag.test(tag);
}
