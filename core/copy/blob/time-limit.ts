import type { Descriptor } from '../../oci/descriptor.ts';

/**
 * The assumed speed of a stream before any was measured: what one push stream into Amazon ECR is
 * reported to reach, in bytes per second.
 */
const assumedSpeed = 24e6;
/** Smaller bodies measure round trips rather than speed, in bytes. */
const leastMeasuredBytes = 4 * 1024 * 1024;
/** The weight of the latest measurement in the mean. */
const weight = 0.3;
/** The share of the remaining time that a blob may need by its estimate. */
const margin = 0.8;
/** A stream is judged by its own speed at this interval, in milliseconds. */
export const judgeAfterMs = 10_000;

/** How fast single streams are in this process. */
export class StreamSpeed {
  #bytesPerSecond = assumedSpeed;

  get bytesPerSecond(): number {
    return this.#bytesPerSecond;
  }

  /** Records that a stream carried this many bytes in this time. */
  measured(bytes: number, ms: number): void {
    if (bytes < leastMeasuredBytes || ms <= 0) return;
    this.#bytesPerSecond += weight * ((bytes / ms) * 1_000 - this.#bytesPerSecond);
  }
}

/** When the current attempt must end, and what speed to expect. */
export interface TimeLimit {
  /** Milliseconds since 1970. */
  endsAt: number;
  speed: StreamSpeed;
}

/**
 * Whether a blob, by the speed measured so far, can't be carried in one piece in the time that is
 * left.
 */
export function isTooSlow(blob: Pick<Descriptor, 'size'>, limit: TimeLimit, now = Date.now()): boolean {
  return outlasts(blob.size, limit.speed.bytesPerSecond, limit.endsAt - now);
}

/** Whether a stream in progress, by its own speed, can't end in time. */
export function fallsBehind(
  stream: { size: number; sent: number; elapsedMs: number },
  limit: TimeLimit,
  now = Date.now(),
): boolean {
  const { size, sent, elapsedMs } = stream;
  if (elapsedMs < judgeAfterMs) return false;
  return outlasts(size - sent, (sent / elapsedMs) * 1_000, limit.endsAt - now);
}

function outlasts(bytes: number, bytesPerSecond: number, leftMs: number): boolean {
  return bytes > bytesPerSecond * (leftMs / 1_000) * margin;
}
