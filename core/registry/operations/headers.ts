import { type Digest, isDigest } from '../../oci/digest.ts';
import { type OperationContext, RegistryError } from '../errors.ts';
import type { Answer } from '../exchange.ts';
import { redactText } from '../transport/redact.ts';
import type { HttpAnswer } from '../transport/transport.ts';

/**
 * `Docker-Content-Digest`; undefined if absent. Throws a RegistryError (DIGEST_INVALID) if it is
 * not a digest.
 */
export function contentDigest(answer: Answer, context: OperationContext): Digest | undefined {
  const value = answer.header('docker-content-digest')?.trim();
  if (value === undefined || value === '') return undefined;
  if (isDigest(value)) return value;
  throw new RegistryError(context, {
    code: 'DIGEST_INVALID',
    status: answer.status,
    reason: answer.away
      ? `the Docker-Content-Digest of ${answer.url.host} is not a digest`
      : `the Docker-Content-Digest “${redactText(value)}” is not a digest`,
  });
}

/** `Content-Length` as a number of bytes; undefined if absent or not such a number. */
export function contentLength(answer: HttpAnswer): number | undefined {
  const value = answer.header('content-length')?.trim() ?? '';
  return /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}

/** `Content-Type` without its parameters, in lower case; undefined if absent. */
export function contentType(answer: HttpAnswer): string | undefined {
  const value = answer.header('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  return value === '' ? undefined : value;
}

/**
 * Throws a RegistryError (DIGEST_INVALID) that names both digests, if the answer has a different
 * one of the same algorithm.
 */
export function expectContentDigest(answer: Answer, expected: Digest, context: OperationContext): void {
  const told = contentDigest(answer, context);
  if (told === undefined || told === expected || !sameAlgorithm(told, expected)) return;
  throw new RegistryError(context, {
    code: 'DIGEST_INVALID',
    status: answer.status,
    reason: `the registry reports the digest ${told} instead of ${expected}`,
  });
}

/** Whether two digests can be compared. */
export function sameAlgorithm(one: Digest, other: Digest): boolean {
  return one.slice(0, 7) === other.slice(0, 7);
}
