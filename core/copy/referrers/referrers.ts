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
  /** The tag that cosign finds it by; without one, it is found by the manifest's `subject`. */
  tag?: string;
  /** As the referrers API lists it. */
  descriptor?: Descriptor;
}

/** What was found to belong to an image, and what could not be found out. */
export interface FoundReferrers {
  /** Subjects come before their referrers. */
  referrers: Referrer[];
  /** Questions that got no answer, or more results than the limit: the list may be incomplete. */
  failures: ReferrerFailure[];
  /** If no question got an answer: the error of the first one. */
  unanswered?: unknown;
}

/** Why an operation on a referrer failed, in a form that can be stored and shown. */
export interface ReferrerFailure {
  code: string;
  reason: string;
  /** A later attempt may succeed. */
  temporary?: true;
  /**
   * Which side failed, and how long it asks clients to wait, in milliseconds. Only for retries:
   * neither stored nor shown.
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

/** What is stored and shown of an image's referrers. */
export interface ReferrersSummary {
  /** How many the mirror holds, including those that it had before. */
  copied: number;
  /** Some of those that it does not hold, with reasons. */
  missing: MissingReferrer[];
  /** How many more are missing than are listed. */
  moreMissing?: number;
  /**
   * Why there may be more at the upstream than was found. One reason only, preferably a temporary
   * one.
   */
  incomplete?: ReferrerFailure;
}

/** What became of an image's referrers. */
export interface ReferrersOutcome extends Omit<ReferrersSummary, 'copied'> {
  /** All that the mirror holds now, including those that it had before. */
  copied: CopiedReferrer[];
  transfer: Transfer;
}

/**
 * How many are listed as missing; the others are only counted. A mapping is an item of at most 400
 * KB.
 */
export const maxToldMissing = 20;
/** Characters; types have at most 255 and are short in practice. */
const maxType = 100;
const maxCode = 64;
const maxReason = 300;

/**
 * What an error says. An error that is not a DrayageError is reported, too: a referrer never keeps
 * the image itself from being mirrored.
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

/** What a retry needs to know. */
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

/** An outcome without the details that only matter while the job runs. */
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

/** Whether a later attempt may bring something that is missing now. */
export function mayBringMore({
  missing,
  incomplete,
}: Pick<ReferrersSummary, 'missing' | 'incomplete'>): boolean {
  return incomplete?.temporary === true || missing.some(({ temporary }) => temporary);
}
