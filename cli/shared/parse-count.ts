import { InvalidArgumentError } from 'commander';

/** A whole number of things, as an option gives it. */
export function parseCount(text: string): number {
  const count = Number(text);
  if (/^\d{1,5}$/.test(text) && count > 0) return count;
  throw new InvalidArgumentError('write a whole number, 1 or greater');
}
