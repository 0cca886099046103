/** Where the cause of a failure lies. */
export type FailureSide = 'upstream' | 'mirror' | 'drayage';

/** Whether another attempt may succeed, and when. */
export type Retry =
  | { kind: 'never' }
  /** Later, with growing delays. `afterMs`: not before this time, in milliseconds. */
  | { kind: 'backoff'; afterMs?: number | undefined }
  /**
   * When a registry accepts requests again: in `afterMs` milliseconds, if it said so. The failure
   * says nothing about the image.
   */
  | { kind: 'rate-limit'; afterMs?: number | undefined };

/**
 * A failure that explains itself: to the operator who must fix it, and to the code that decides how
 * to continue.
 */
export abstract class DrayageError extends Error {
  /** Stable, for programs. */
  abstract readonly code: string;
  abstract readonly side: FailureSide;
  /** What the operator can do about it. */
  abstract readonly remedy: string;
  abstract readonly retry: Retry;

  /** Whether the same may succeed later. */
  get temporary(): boolean {
    return this.retry.kind !== 'never';
  }
}
