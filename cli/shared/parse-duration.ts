import { InvalidArgumentError } from 'commander';
import { durationSeconds } from '../../core/config/duration.ts';

/** A duration from an option, in seconds. */
export function parseDuration(text: string): number {
  const seconds = durationSeconds(text);
  if (seconds !== undefined && seconds > 0) return seconds;
  throw new InvalidArgumentError('write a whole number and a unit, such as 90s, 10m or 2h');
}
