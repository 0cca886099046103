import { DrayageError } from '../../errors.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import type { Digest } from '../../oci/digest.ts';
import { plainText } from '../../oci/plain-text.ts';
import type { Transfer } from '../ports.ts';

/** Something that belongs to an image: a signature, an attestation, an SBOM. */
export interface Referrer {
  digest: Digest;
  /** The manifest that it belongs to: the image, one of its children, or another referrer. */
  subject: Digest;
  /** The tag that cosign finds it by; what has none is found by the manifest's `subject`. */
  tag?: string;
  /** As the referrers API lists it. */
  descriptor?: Descriptor;
}

/** What was found to belong to an image, and what could not be found out. */
export interface FoundReferrers {
  /** Subjects before what refers to them. */
  referrers: Referrer[];
  /** Questions that got no answer, or more answers than are taken: the list may lack something. */
  failures: ReferrerFailure[];
}

/** Why something of a referrer did not succeed, fit to be stored and shown. */
export interface ReferrerFailure {
  code: string;
  reason: string;
  /** Another attempt later may succeed. */
  temporary?: true;
  /**
   * Who failed, and how long it asks to be left alone, milliseconds: for who tries again, neither
   * stored nor shown.
   */
  side?: 'upstream' | 'mirror';
  retryAfterMs?: number;
}

export interface CopiedReferrer {
  digest: Digest;
  artifactType?: string;
  tag?: string;
}

export interface MissingReferrer extends CopiedReferrer, ReferrerFailure {}

/** What is stored and told of an image's referrers. */
export interface ReferrersSummary {
  /** How many the mirror holds, those that it had before included. */
  copied: number;
  /** Some of those that it does not hold, and why. */
  missing: MissingReferrer[];
  /** How many more are missing than are told. */
  moreMissing?: number;
  /**
   * Why there may be more at the upstream than was found: one reason, the one that may pass if
   * there is such.
   */
  incomplete?: ReferrerFailure;
}

/** What became of an image's referrers. */
export interface ReferrersOutcome extends Omit<ReferrersSummary, 'copied'> {
  /** All that the mirror holds now, those that it had before included. */
  copied: CopiedReferrer[];
  transfer: Transfer;
}

/** So many are told as missing; the others are counted. A mapping is an item of 400 KB at most. */
export const maxToldMissing = 20;
/** Characters; types have at most 255 and are short in practice. */
const maxType = 100;
const maxCode = 64;
const maxReason = 300;

/**
 * What an error says. One that is not a DrayageError is reported, too: what belongs to an image
 * never keeps the image itself from being mirrored.
 */
export function referrerFailure(error: unknown): ReferrerFailure {
  const { code }: { code?: unknown } = typeof error === 'object' && error !== null ? error : {};
  const told = typeof code === 'string' && code !== '';
  const reason = error instanceof Error ? error.message : String(error);
  return {
    code: told ? plainText(code, maxCode) : 'INTERNAL',
    reason: plainText(reason, maxReason),
    ...(error instanceof DrayageError && laterOf(error)),
  };
}

/** What is of interest to who tries again. */
function laterOf({
  retry,
  side,
}: DrayageError): Pick<ReferrerFailure, 'temporary' | 'side' | 'retryAfterMs'> {
  if (retry.kind === 'never') return {};
  return {
    temporary: true,
    ...(side !== 'drayage' && { side }),
    ...(retry.afterMs !== undefined && { retryAfterMs: retry.afterMs }),
  };
}

/** A referrer as outcomes name it. */
export function describeReferrer(
  { digest, tag }: Referrer,
  artifactType: string | undefined,
): CopiedReferrer {
  return {
    digest,
    ...(artifactType ? { artifactType: plainText(artifactType, maxType) } : {}),
    ...(tag === undefined ? {} : { tag }),
  };
}

/** An outcome without what is only of interest while the job runs. */
export function summariseReferrers(outcome: ReferrersOutcome): ReferrersSummary {
  const { copied, missing, moreMissing, incomplete } = outcome;
  return {
    copied: copied.length,
    missing: missing.map(stored),
    ...(moreMissing ? { moreMissing } : {}),
    ...(incomplete ? { incomplete: stored(incomplete) } : {}),
  };
}

function stored<T extends ReferrerFailure>({ side: _side, retryAfterMs: _ms, ...rest }: T) {
  return rest;
}

/** Whether another attempt later may bring something that is missing now. */
export function mayBringMore({
  missing,
  incomplete,
}: Pick<ReferrersSummary, 'missing' | 'incomplete'>): boolean {
  return incomplete?.temporary === true || missing.some(({ temporary }) => temporary);
}
