import { plainText } from '../../oci/plain-text.ts';

/**
 * Why a signature does not count. The message is a clause that follows the manifest that holds it.
 */
export class ClaimError extends Error {
  override readonly name = 'ClaimError';
}

/** A value out of JSON. */
export type Json = unknown;

/** Reads JSON. @throws ClaimError */
export function parseJson(bytes: Uint8Array, what: string): Json {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ClaimError(`${what} is not JSON`, { cause });
  }
}

/** @throws ClaimError if the value is no object. */
export function objectOf(value: Json, what: string): Record<string, Json> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, Json>;
  throw new ClaimError(`${what} is not an object`);
}

/** A value that somebody else wrote, as it stands in messages: short, on one line, in quotes. */
export function quoted(value: Json): string {
  if (typeof value === 'string') return `“${plainText(value, 200)}”`;
  return value === undefined ? 'missing' : `a ${Array.isArray(value) ? 'list' : typeof value}`;
}
