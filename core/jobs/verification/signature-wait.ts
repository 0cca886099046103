import { DrayageError, type Retry } from '../../errors.ts';
import type { JobRecord } from '../record.ts';

/**
 * When to look for a signature: this long after the event, in milliseconds; from then on, every ten
 * minutes. Images are signed after they are pushed, mostly within a minute. The schedule sends due
 * jobs once a minute, and a signature's own event wakes the job at once.
 */
const looksMs = [15_000, 45_000, 105_000, 225_000, 525_000];
const everyMs = 600_000;
/** By then whoever signs images has done it, milliseconds. */
const patienceMs = 3_600_000;
/** A look that would come sooner than this after the last one is left out, in milliseconds. */
const leastPauseMs = 5_000;

/** The code of jobs that wait, or have failed, for lack of a signature. */
export const signatureMissing = 'signature_missing';

/**
 * Nothing that the upstream has speaks for the image as its rule requires. Its signature may still
 * come.
 */
export class SignatureMissingError extends DrayageError {
  override readonly name = 'SignatureMissingError';
  readonly code = signatureMissing;
  readonly side = 'upstream';
  readonly remedy =
    'sign it as `verify` of its rule requires; the job continues when the signature’s event arrives, or when its next check finds the signature';
  readonly retry: Retry = { kind: 'backoff' };
}

/**
 * How long the job waits until its image's signature is looked for again, in milliseconds. It
 * depends only on the event's age, or on the time since the image has been old enough.
 *
 * @returns undefined if the job has waited for long enough
 */
export function pauseForSignature(
  { receivedAt, heldUntil = receivedAt }: Pick<JobRecord, 'receivedAt' | 'heldUntil'>,
  now: Date,
): number | undefined {
  const age = now.getTime() - Date.parse(heldUntil);
  if (age >= patienceMs) return undefined;
  const soonest = Math.max(0, age) + leastPauseMs;
  const last = looksMs.at(-1) ?? 0;
  const next =
    looksMs.find((look) => look >= soonest) ?? last + Math.ceil((soonest - last) / everyMs) * everyMs;
  return Math.min(next, patienceMs) - age;
}
