import type { CallOptions } from '../copy/ports.ts';
import type { Digest } from '../oci/digest.ts';
import type { KeyService } from './authority.ts';
import type { Claim } from './claims/claim.ts';
import { ClaimError } from './claims/claim-error.ts';
import { readClaim } from './claims/read-claim.ts';
import { type Found, findCandidates, type Search } from './find-candidates.ts';
import { RequirementCheck } from './requirement.ts';
import type { ImageToVerify, Verdict, VerifyImage } from './verdict.ts';

/** So many signatures that do not count are named in a reason. */
const maxNamed = 5;

/**
 * Verifies signatures and attestations of images: cosign's, and Sigstore's bundles. Whatever can't
 * be read or understood never counts, and a registry that does not answer is an error: nothing is
 * known then.
 */
export function imageVerifier(keys: KeyService): VerifyImage {
  return async (image, options) => {
    const { verification, digest, source } = image;
    const checks = await Promise.all(
      verification.requirements.map((requirement) => RequirementCheck.create(requirement, keys, options)),
    );
    const isMet = ({ signature }: RequirementCheck) => signature !== undefined;
    const isDone = () => (verification.match === 'any' ? checks.some(isMet) : checks.every(isMet));
    for await (const found of findCandidates(source, digest, searchFor(checks), options)) {
      consider(found, digest, checks);
      options.signal?.throwIfAborted();
      if (isDone()) return verified(digest, checks);
    }
    return unverified(image, checks);
  };
}

function searchFor(checks: RequirementCheck[]): Search {
  return {
    signatures: checks.some(({ requirement }) => requirement.kind === 'signature'),
    attestations: checks.some(({ requirement }) => requirement.kind === 'attestation'),
    matters: (type) => checks.some(({ predicateType }) => predicateType === type),
  };
}

function consider(found: Found, digest: Digest, checks: RequirementCheck[]): void {
  const { manifest } = found;
  if ('refused' in found) {
    for (const check of checks) check.fail(manifest, found.refused);
    return;
  }
  let claim: Claim;
  try {
    claim = readClaim(found.candidate, digest);
  } catch (error) {
    if (!(error instanceof ClaimError)) throw error;
    for (const check of checks) check.fail(manifest, error.message, found.candidate.format);
    return;
  }
  for (const check of checks) check.take(manifest, claim);
}

function verified(digest: Digest, checks: RequirementCheck[]): Verdict {
  const signatures = checks.flatMap(({ signature }) => signature ?? []);
  return { kind: 'verified', verified: { digest, at: new Date().toISOString(), signatures } };
}

function unverified({ image, digest, verification }: ImageToVerify, checks: RequirementCheck[]): Verdict {
  const unmet = checks.filter(({ signature }) => signature === undefined);
  // The signature of one who is required says nothing about that of another, which may still come.
  const counted = new Set(checks.map(({ signature }) => signature?.manifest));
  const failures = new Map(
    unmet
      .flatMap((check) => check.failures)
      .filter(({ manifest }) => !counted.has(manifest))
      .map((failure) => [`${failure.manifest} ${failure.reason}`, failure]),
  );
  const required = unmet
    .map((check) => check.describe())
    .join(verification.match === 'any' ? ', or ' : ', and ');
  if (failures.size === 0)
    return { kind: 'missing', reason: `${image}: there is no ${required} for ${digest}` };
  const named = [...failures.values()]
    .slice(0, maxNamed)
    .map(({ manifest, reason }) => `${manifest}: ${reason}`);
  const others = failures.size - named.length;
  return {
    kind: 'wrong',
    reason: `${image}: no signature of ${digest} meets the requirement (${required}). ${named.join('; ')}${
      others > 0 ? `; and ${others} more` : ''
    }`,
  };
}

/** A key service for verifications that name no key of one. */
export const noKeyService: KeyService = {
  readPublicKey: async (keyId: string, _options: CallOptions) => {
    throw new TypeError(`there is no key service for ${keyId}`);
  },
};
