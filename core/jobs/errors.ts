import type { ReferrersOutcome } from '../copy/referrers/referrers.ts';

/** A job that can't succeed for a reason of ours: its rule or its image, not a registry's answer. Never retried. */
export class JobFailure extends Error {
  override readonly name = 'JobFailure';
  readonly code: string;
  readonly remedy: string;
  readonly side = 'drayage';
  readonly temporary = false;

  constructor(code: string, message: string, remedy: string) {
    super(message);
    this.code = code;
    this.remedy = remedy;
  }
}

/** Something that belongs to an image could not be had or stored for now. What was copied stays. */
export class ReferrersPendingError extends Error {
  override readonly name = 'ReferrersPendingError';
  readonly code = 'REFERRERS_PENDING';
  /** Whose failure is told. */
  readonly side: 'upstream' | 'mirror';
  readonly remedy = 'none needed: the job tries again by itself; the image itself is mirrored';
  readonly temporary = true;
  /** 429 where a rate limit is the reason, which says nothing of the image and is not counted. The upstream's closes it, the mirror's does not. */
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

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
    // Another attempt now would keep the upstream closed: nothing else that failed is as important.
    const told = limited.find((failure) => failure?.side !== 'mirror') ?? limited[0] ?? pending[0];
    const count = missing.length + moreMissing;
    super(`${image}: ${count} of its signatures, SBOMs and the like are missing or unknown: ${told?.reason}`);
    this.side = told?.side ?? 'upstream';
    this.status = limited.length > 0 ? 429 : undefined;
    this.retryAfterMs = told?.retryAfterMs;
  }
}
