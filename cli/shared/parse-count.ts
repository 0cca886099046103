import { InvalidArgumentError } from 'commander';

/** A positive whole number from an option. */
export function parseCount(text: string): number {
  const count = Number(text);
  if (/^\d{1,5}$/.test(text) && count > 0) return count;
  throw new InvalidArgumentError('write a whole number of at least 1');
}
