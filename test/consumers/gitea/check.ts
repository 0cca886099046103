import { isDeepStrictEqual } from 'node:util';

/** @throws with both sides in the message, which is all that a person who runs this by hand sees */
export function checkEqual(what: string, found: unknown, expected: unknown): void {
  if (isDeepStrictEqual(found, expected)) return;
  throw new Error(`${what}: found ${JSON.stringify(found)} where ${JSON.stringify(expected)} was expected`);
}

/** @throws the message */
export function check(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise);
}
