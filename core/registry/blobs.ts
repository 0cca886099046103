import type { Digest } from '../oci/digest.ts';
import { BlobStream } from './blob-stream.ts';
import { discard } from './body.ts';
import { type OperationContext, RegistryError } from './errors.ts';
import type { Answer, CallOptions, Exchange } from './exchange.ts';
import { contentLength } from './headers.ts';
import { digestUrl } from './paths.ts';
import { redactText } from './redact.ts';

/** What of a descriptor a transfer needs. */
export interface BlobDescriptor {
  digest: Digest;
  /** In bytes. */
  size: number;
}

export interface GetBlobOptions extends CallOptions {
  /** Leaves out this many bytes at the beginning, of which somebody has the hash. */
  offset?: number;
}

/** Asks whether the repository has a blob: its size if the registry tells, undefined if it does not know the blob (404). */
export async function headBlob(
  exchange: Exchange,
  repository: string,
  digest: Digest,
  { signal }: CallOptions = {},
): Promise<{ size?: number } | undefined> {
  return await exchange.perform(
    {
      operation: 'check blob',
      repository,
      reference: digest,
      method: 'HEAD',
      url: digestUrl(exchange.endpoint, repository, 'blobs', digest),
      scopes: [exchange.readScope(repository)],
      headers: { 'accept-encoding': 'identity' },
      expect: [200, 404],
      unknownCode: 'BLOB_UNKNOWN',
      retry: true,
      signal,
    },
    (answer) => {
      discard(answer.body);
      if (answer.status === 404) return undefined;
      const size = contentLength(answer);
      return size === undefined ? {} : { size };
    },
  );
}

/**
 * Pulls a blob (https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-blobs), following redirects to where the
 * registry keeps it. Until the first byte failures are retried; after it the stream throws, and who wants more asks again, with
 * an offset. The size is verified, the digest is not.
 *
 * Throws a RegistryError, here or from the stream: BLOB_UNKNOWN, SIZE_INVALID (naming both sizes), RANGE_INVALID, CONNECTION or
 * TIMEOUT when it breaks off or stalls. The stream must be read or ended; until then it holds a connection.
 */
export async function getBlob(
  exchange: Exchange,
  repository: string,
  descriptor: BlobDescriptor,
  { signal, offset = 0 }: GetBlobOptions = {},
): Promise<AsyncIterable<Uint8Array>> {
  const { digest, size } = descriptor;
  expectSize('size', size);
  expectSize('offset', offset);
  if (offset > size) throw new TypeError(`offset: ${offset} is beyond the blob’s ${size} bytes`);
  const url = digestUrl(exchange.endpoint, repository, 'blobs', digest);
  if (offset === size && size > 0) return nothing();
  const call = { operation: 'get blob', repository, reference: digest };
  const context = exchange.context(call);
  // No coding: digest and ranges are about the bytes as they are stored.
  const headers: Record<string, string> = { 'accept-encoding': 'identity' };
  if (offset > 0) headers.range = `bytes=${offset}-`;
  return await exchange.perform(
    {
      ...call,
      method: 'GET',
      url,
      scopes: [exchange.readScope(repository)],
      headers,
      expect: offset > 0 ? [200, 206] : [200],
      unknownCode: 'BLOB_UNKNOWN',
      retry: true,
      signal,
    },
    (answer) => {
      const partial = answer.status === 206;
      if (partial) expectRange(answer, offset, size, context);
      const expected = partial ? size - offset : size;
      const announced = contentLength(answer);
      if (announced !== undefined && announced !== expected) {
        throw new RegistryError(context, {
          code: 'SIZE_INVALID',
          status: answer.status,
          reason: `the registry announces ${announced} bytes, and there should be ${expected}`,
        });
      }
      return new BlobStream(answer.body, expected, partial ? 0 : offset, context, signal);
    },
  );
}

/** Throws a TypeError unless the value is a number of bytes. */
export function expectSize(field: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0) return;
  throw new TypeError(`${field}: ${value} is no number of bytes`);
}

/** `Content-Range: bytes 5-9/10` (RFC 9110, 14.4) must be the part that was asked for, up to the end. */
function expectRange(answer: Answer, offset: number, size: number, context: OperationContext): void {
  const range = answer.header('content-range') ?? '';
  const [, first, last, total] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i.exec(range.trim()) ?? [];
  const wholeSize = total === '*' ? size : Number(total);
  if (Number(first) === offset && Number(last) === size - 1 && wholeSize === size) return;
  throw new RegistryError(context, {
    code: 'RANGE_INVALID',
    status: answer.status,
    reason: `bytes ${offset}-${size - 1}/${size} were asked for, and the answer has ${answer.away ? 'others' : `“${redactText(range).slice(0, 100)}”`}`,
  });
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
