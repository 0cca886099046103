import type { Verification } from '../config/verification.ts';
import type { CallOptions, ImageSource } from '../copy/ports.ts';
import type { Digest } from '../oci/digest.ts';

/** A signature that was verified, and the requirement that it meets. */
export interface VerifiedSignature {
  kind: 'signature' | 'attestation';
  /** Who signed: `key SHA256:…`, a KMS key, or a certificate's identity and its issuer. */
  by: string;
  /** The manifest that holds it, in the upstream's repository. */
  manifest: Digest;
  /** An attestation's. */
  predicateType?: string;
  /** When a transparency log or timestamp authority saw it, ISO 8601; absent if neither did. */
  signedAt?: string;
}

/** What was verified, as it stands in a mapping and in its history. */
export interface Verified {
  /** The digest that is signed: what the upstream's reference points to. */
  digest: Digest;
  /** When it was verified, ISO 8601. */
  at: string;
  /** At least one for each requirement that is met. */
  signatures: VerifiedSignature[];
}

/** Whether an image meets what its rule requires. */
export type Verdict =
  | { kind: 'verified'; verified: Verified }
  /** Nothing that was found speaks for or against it: its signature may still come. */
  | { kind: 'missing'; reason: string }
  /** There are signatures, but none of them is what is required. */
  | { kind: 'wrong'; reason: string };

/** An image whose signatures are to be verified. */
export interface ImageToVerify {
  /** As it stands in messages, `registry/repository:tag`. */
  image: string;
  digest: Digest;
  verification: Verification;
  /** The upstream's repository: its referrers and signature tags are asked for. */
  source: ImageSource;
}

/**
 * Verifies an image's signatures.
 *
 * @throws RegistryError if the upstream does not serve what must be read: then nothing is known
 */
export type VerifyImage = (image: ImageToVerify, options: CallOptions) => Promise<Verdict>;

/** A verdict's reason for a message that names the image already. */
export function reasonOf(image: string, { reason }: Exclude<Verdict, { kind: 'verified' }>): string {
  return reason.startsWith(`${image}: `) ? reason.slice(image.length + 2) : reason;
}

/** What an image that is not verified lacks: completes a sentence about it. */
export function shortfallOf({ kind }: Exclude<Verdict, { kind: 'verified' }>): string {
  return kind === 'missing' ? 'is not signed as its rule requires' : 'has no valid signature';
}

/**
 * A verdict that is about the digest that was asked about.
 *
 * @throws Error if it is about another one, or about no signature: a bug that must let nothing pass
 */
export function verdictAbout(digest: Digest, verdict: Verdict): Verdict {
  if (verdict.kind !== 'verified') return verdict;
  const { verified } = verdict;
  if (verified.digest !== digest || verified.signatures.length === 0)
    throw new Error(`${digest} was to be verified, and the verdict is about ${verified.digest}`);
  return verdict;
}
