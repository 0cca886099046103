/** Where the reason of a failure lies. */
export type FailureSide = 'upstream' | 'mirror' | 'drayage';

/** Whether another attempt may succeed, and when. */
export type Retry =
  | { kind: 'never' }
  /** Later, and each time later. `afterMs`: not before this time, milliseconds. */
  | { kind: 'backoff'; afterMs?: number | undefined }
  /**
   * When a registry takes requests again, `afterMs` milliseconds from now if it said so. The
   * failure says nothing about the image.
   */
  | { kind: 'rate-limit'; afterMs?: number | undefined };

/**
 * A failure that explains itself: to those who must help, and to the code that decides what becomes
 * of the work.
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
