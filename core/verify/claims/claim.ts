import type { Bundle } from '@sigstore/bundle';
import type { Digest } from '../../oci/digest.ts';

/** Something that claims to sign the image, or to state something about it. */
export interface Claim {
  kind: 'signature' | 'attestation';
  /** Of an attestation, as its statement has it. */
  predicateType?: string;
  predicate?: unknown;
  signed: SignedContent;
}

/** What was signed, and how. */
export interface SignedContent {
  /** The bytes that the signatures are over. */
  message: Uint8Array;
  signatures: Uint8Array[];
  /**
   * All of it in Sigstore's form, for Sigstore's verifier; it holds the first signature. Throws if
   * there is no such form, so that signatures with plain keys need none.
   */
  bundle(): Bundle;
  /** Whether a certificate comes with it: then it is not signed with a plain key. */
  hasCertificate: boolean;
}

/** One place where a claim may stand: a layer of a manifest of signatures. */
export interface Candidate {
  manifest: Digest;
  format: ClaimFormat;
  /** The layer's blob. */
  bytes: Uint8Array;
  annotations: Readonly<Record<string, string>>;
}

/** How a claim is written down: cosign's own two ways, and Sigstore's bundle. */
export type ClaimFormat = 'simple-signing' | 'dsse' | 'bundle';

/** The format of a layer with this media type; undefined if it holds no claim. */
export function claimFormat(mediaType: string): ClaimFormat | undefined {
  // https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
  if (mediaType === 'application/vnd.dev.cosign.simplesigning.v1+json') return 'simple-signing';
  // https://github.com/sigstore/cosign/blob/main/specs/ATTESTATION_SPEC.md
  if (mediaType === 'application/vnd.dsse.envelope.v1+json') return 'dsse';
  return isBundleType(mediaType) ? 'bundle' : undefined;
}

/** https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto */
export function isBundleType(type: string): boolean {
  return /^application\/vnd\.dev\.sigstore\.bundle(?:\.v0\.\d+)?\+json(?:;version=0\.\d+)?$/.test(type);
}
