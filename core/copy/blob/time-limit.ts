import type { Descriptor } from '../../oci/descriptor.ts';

/**
 * A stream's speed before one was measured here: what one push stream into Amazon ECR is reported
 * to reach, bytes a second.
 */
const assumedSpeed = 24e6;
/** Shorter bodies measure round trips instead of speed, bytes. */
const leastMeasuredBytes = 4 * 1024 * 1024;
/** The share of the last measurement in the mean. */
const weight = 0.3;
/** How much of the time that is left a blob may need by its estimate. */
const margin = 0.8;
/** A stream is judged by its own speed after this, and each time again, milliseconds. */
export const judgeAfterMs = 10_000;

/** How fast single streams are in this process. */
export class StreamSpeed {
  #bytesPerSecond = assumedSpeed;

  get bytesPerSecond(): number {
    return this.#bytesPerSecond;
  }

  /** A stream carried this much in this time. */
  measured(bytes: number, ms: number): void {
    if (bytes < leastMeasuredBytes || ms <= 0) return;
    this.#bytesPerSecond += weight * ((bytes / ms) * 1_000 - this.#bytesPerSecond);
  }
}

/** When the present attempt must end, and what speed to reckon with. */
export interface TimeLimit {
  /** Milliseconds since 1970. */
  endsAt: number;
  speed: StreamSpeed;
}

/**
 * Whether a blob, by the speed measured so far, can't travel in one piece in the time that is left.
 */
export function isTooSlow(blob: Pick<Descriptor, 'size'>, limit: TimeLimit, now = Date.now()): boolean {
  return outlasts(blob.size, limit.speed.bytesPerSecond, limit.endsAt - now);
}

/** Whether a stream under way, by its own speed, can't end in time. */
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
