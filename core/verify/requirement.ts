import type { SignatureRequirement } from '../config/verification.ts';
import type { CallOptions } from '../copy/ports.ts';
import type { Digest } from '../oci/digest.ts';
import { authorityCheck, type CheckSigned, type KeyService } from './authority.ts';
import type { Claim, ClaimFormat } from './claims/claim.ts';
import { ClaimError } from './claims/claim-error.ts';
import { signaturePredicateType } from './claims/predicate-types.ts';
import { unmetCondition } from './claims/statement.ts';
import type { VerifiedSignature } from './verdict.ts';

/** One requirement, what meets it, and what failed to. */
export class RequirementCheck {
  readonly requirement: SignatureRequirement;
  readonly #isSigned: CheckSigned;
  /** What meets it. */
  signature: VerifiedSignature | undefined;
  /** Why each claim of the needed kind does not count. */
  readonly failures: { manifest: Digest; reason: string }[] = [];

  private constructor(requirement: SignatureRequirement, isSigned: CheckSigned) {
    this.requirement = requirement;
    this.#isSigned = isSigned;
  }

  /** @throws DrayageError if the key can't be read */
  static async create(
    requirement: SignatureRequirement,
    keys: KeyService,
    options: CallOptions,
  ): Promise<RequirementCheck> {
    return new RequirementCheck(requirement, await authorityCheck(requirement.authority, keys, options));
  }

  /** The type of the statements that can meet it. */
  get predicateType(): string {
    return this.requirement.kind === 'signature' ? signaturePredicateType : this.requirement.predicateType;
  }

  /** Notes something that may have been what is needed, but can't be read. */
  fail(manifest: Digest, reason: string, format?: ClaimFormat): void {
    const { kind } = this.requirement;
    const isOther =
      (format === 'simple-signing' && kind !== 'signature') || (format === 'dsse' && kind !== 'attestation');
    if (!isOther) this.failures.push({ manifest, reason });
  }

  /** Takes a claim that is about the image: meets the requirement, or notes why not. */
  take(manifest: Digest, claim: Claim): void {
    const { requirement } = this;
    if (this.signature !== undefined || claim.kind !== requirement.kind) return;
    if (requirement.kind === 'attestation' && claim.predicateType !== requirement.predicateType) return;
    try {
      const signer = this.#isSigned(claim.signed);
      if (requirement.kind === 'attestation') {
        const unmet = unmetCondition(claim.predicate, requirement.where);
        if (unmet !== undefined) throw new ClaimError(unmet);
      }
      const { predicateType } = claim;
      this.signature = {
        kind: claim.kind,
        by: signer.by,
        manifest,
        ...(predicateType !== undefined && { predicateType }),
        ...(signer.signedAt !== undefined && { signedAt: signer.signedAt }),
      };
    } catch (error) {
      if (!(error instanceof ClaimError)) throw error;
      this.failures.push({ manifest, reason: error.message });
    }
  }

  /** What is required, in words. */
  describe(): string {
    const { requirement } = this;
    return `${requirement.kind === 'signature' ? 'signature' : `attestation of type ${requirement.predicateType}`} ${signerOf(requirement)}`;
  }
}

function signerOf({ authority }: SignatureRequirement): string {
  switch (authority.kind) {
    case 'key':
      return authority.file === undefined ? 'with the key in mirror.yaml' : `with the key ${authority.file}`;
    case 'kms':
      return `with the key ${authority.key}`;
    case 'keyless': {
      const { identity } = authority;
      return `by ${'equals' in identity ? identity.equals : identity.pattern}`;
    }
  }
}
