import type { ReferrersOutcome } from '../copy/referrers/referrers.ts';
import { DrayageError, type Retry } from '../errors.ts';

export type JobFailureCode =
  | 'not_configured'
  | 'signature_invalid'
  | 'not_verified'
  | 'not_a_digest'
  | 'too_slow'
  | 'not_mirrored'
  | 'gone';

/**
 * A job that can't succeed for a reason that we determine: its rule or its image, not a registry's
 * answer. Never retried.
 */
export class JobFailure extends DrayageError {
  override readonly name = 'JobFailure';
  readonly code: JobFailureCode;
  readonly remedy: string;
  readonly side = 'drayage';
  readonly retry: Retry = { kind: 'never' };

  constructor(code: JobFailureCode, message: string, remedy: string) {
    super(message);
    this.code = code;
    this.remedy = remedy;
  }
}

/** What a job can wait for that says nothing about its success. */
export type JobWaitCode = 'too_young' | 'scan_pending';

/**
 * A job has to wait for something that comes by itself. The wait does not count as an attempt, and
 * lasts until a time, unless something wakes the job earlier.
 */
export class JobWait extends DrayageError {
  override readonly name = 'JobWait';
  readonly code: JobWaitCode;
  readonly remedy: string;
  readonly side = 'drayage';
  readonly retry: Retry = { kind: 'backoff' };
  readonly until: Date;

  constructor(
    code: JobWaitCode,
    { until, message, remedy }: { until: Date; message: string; remedy: string },
  ) {
    super(message);
    this.code = code;
    this.until = until;
    this.remedy = remedy;
  }
}

/** No rule mirrors the image, or no longer does. */
export function notConfigured(image: string, reason: string): JobFailure {
  return new JobFailure('not_configured', `${image}: ${reason}`, 'add a rule for it to mirror.yaml');
}

/** There are signatures, and none of them is what the image's rule requires. */
export function signatureInvalid(message: string): JobFailure {
  return new JobFailure(
    'signature_invalid',
    message,
    'sign it as `verify` of its rule requires, or correct the rule; the image is checked again when another signature’s event arrives. If you don’t know who signed it, find out who pushed it',
  );
}

/** The image, or one of its layers, could not be copied in the time that a job has. */
export function tooSlow(message: string): JobFailure {
  return new JobFailure(
    'too_slow',
    message,
    'mirror the image once from a machine without this limit (drayage copy), then request it again: its blobs will be present',
  );
}

/**
 * Something that belongs to an image could not be fetched or stored for now. What was copied stays.
 */
export class ReferrersPendingError extends DrayageError {
  override readonly name = 'ReferrersPendingError';
  readonly code = 'REFERRERS_PENDING';
  /** The side whose failure the message names. */
  readonly side: 'upstream' | 'mirror';
  readonly remedy = 'none needed: the job retries by itself; the image itself is mirrored';
  /**
   * A rate limit if that is one of the reasons. The upstream's limit closes it; the mirror's does
   * not.
   */
  readonly retry: Retry;

  constructor(
    image: string,
    {
      missing,
      moreMissing = 0,
      incomplete,
    }: Pick<ReferrersOutcome, 'missing' | 'moreMissing' | 'incomplete'>,
  ) {
    const pending = [incomplete, ...missing].filter((failure) => failure?.temporary);
    const limited = pending.filter((failure) => failure?.code === 'TOOMANYREQUESTS');
    // Another attempt now would prolong the upstream's limit: no other failure is as important.
    const named = limited.find((failure) => failure?.side !== 'mirror') ?? limited[0] ?? pending[0];
    const count = missing.length + moreMissing;
    super(
      `${image}: ${count} of its signatures, SBOMs and the like are missing or unknown: ${named?.reason}`,
    );
    this.side = named?.side ?? 'upstream';
    this.retry = { kind: limited.length > 0 ? 'rate-limit' : 'backoff', afterMs: named?.retryAfterMs };
  }
}
