import type { Digest } from '../../oci/digest.ts';
import { type OperationContext, RegistryError } from '../errors.ts';
import type { Answer, CallOptions, Exchange } from '../exchange.ts';
import { discard } from '../transport/body.ts';
import { redactText } from '../transport/redact.ts';
import { BlobStream } from './blob-stream.ts';
import { contentLength } from './headers.ts';
import { digestUrl } from './paths.ts';

/** The fields of a descriptor that a transfer needs. */
export interface BlobDescriptor {
  digest: Digest;
  /** In bytes. */
  size: number;
}

export interface GetBlobOptions extends CallOptions {
  /** Skips this many bytes at the beginning, which the caller has already hashed. */
  offset?: number;
}

/**
 * Status codes with which a registry, or a proxy in front of it, refuses HEAD rather than the blob.
 */
const headRefusals = [400, 405, 406, 415, 501];

/**
 * Asks whether the repository has a blob. Returns its size if the registry reports it; undefined if
 * it does not know the blob (404) or refuses HEAD: callers that need the blob there then upload it.
 */
export async function headBlob(
  exchange: Exchange,
  repository: string,
  digest: Digest,
  { signal }: CallOptions = {},
): Promise<{ size?: number } | undefined> {
  if (exchange.refused.has('blob-head')) return undefined;
  return await exchange.perform(
    {
      operation: 'check blob',
      repository,
      reference: digest,
      method: 'HEAD',
      url: digestUrl(exchange.endpoint, repository, 'blobs', digest),
      scopes: [exchange.readScope(repository)],
      headers: { 'accept-encoding': 'identity' },
      expect: [200, 404, ...headRefusals],
      unknownCode: 'BLOB_UNKNOWN',
      retry: true,
      signal,
    },
    (answer) => {
      discard(answer.body);
      if (answer.status !== 200) {
        if (answer.status !== 404) exchange.refused.add('blob-head');
        return undefined;
      }
      const size = contentLength(answer);
      return size === undefined ? {} : { size };
    },
  );
}

/**
 * Status codes for a `Range` request that show that a registry does not serve parts. It is then not
 * asked for parts again.
 */
const rangeRefusals: ReadonlySet<number> = new Set([400, 405, 416, 501]);

/**
 * Pulls a blob
 * (https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-blobs),
 * following redirects to where the registry keeps it. Failures before the first byte are retried.
 * After it the stream throws, and the caller may continue with an offset. The size is verified, the
 * digest is not.
 *
 * Throws a RegistryError, here or from the stream: BLOB_UNKNOWN, SIZE_INVALID (naming both sizes),
 * CONNECTION or TIMEOUT if it breaks off or stalls; with an offset, RANGE_INVALID (see {@link
 * isContinuationRefused}) for every refusal. The stream must be read or ended; until then it holds
 * a connection.
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
  if (offset > 0 && exchange.refused.has('range')) {
    throw continuationError(context, offset, 'the registry does not serve parts of blobs');
  }
  // No content coding: digest and ranges refer to the stored bytes.
  const headers: Record<string, string> = { 'accept-encoding': 'identity' };
  if (offset > 0) headers.range = `bytes=${offset}-`;
  const read = exchange.perform(
    {
      ...call,
      method: 'GET',
      url,
      scopes: [exchange.readScope(repository)],
      headers,
      expect: offset > 0 ? [200, 206] : [200],
      unknownCode: 'BLOB_UNKNOWN',
      retry: true,
      work: 'fetch',
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
          reason: `the registry announces ${announced} bytes instead of ${expected}`,
        });
      }
      return new BlobStream(answer.body, { size: expected, skip: partial ? 0 : offset, context, signal });
    },
  );
  return offset === 0 ? await read : await read.catch((error) => refuseContinuation(exchange, offset, error));
}

/**
 * Whether an error only says that a read can't continue where it broke off. It says nothing about
 * the blob: a read from the beginning may succeed.
 */
export function isContinuationRefused(error: unknown): boolean {
  return error instanceof RegistryError && error.code === 'RANGE_INVALID' && error.temporary;
}

/**
 * A refused `Range` request concerns the continuation, not the blob: object stores, caches and
 * proxies behind a registry refuse the one and serve the other
 * (https://github.com/kubernetes/registry.k8s.io/issues/333).
 */
function refuseContinuation(exchange: Exchange, offset: number, error: unknown): never {
  if (!(error instanceof RegistryError) || error.status === undefined || error.temporary) throw error;
  if (rangeRefusals.has(error.status) || error.status === 206) exchange.refused.add('range');
  const context = exchange.context({
    operation: error.operation,
    ...(error.repository !== undefined && { repository: error.repository }),
    ...(error.reference !== undefined && { reference: error.reference }),
  });
  throw continuationError(context, offset, error.reason, error);
}

function continuationError(
  context: OperationContext,
  offset: number,
  reason: string,
  cause?: RegistryError,
): RegistryError {
  return new RegistryError(context, {
    code: 'RANGE_INVALID',
    reason: `the read can't continue from byte ${offset}: ${reason}`,
    temporary: true,
    ...(cause !== undefined && { cause }),
    ...(cause?.status !== undefined && { status: cause.status }),
  });
}

/** Throws a TypeError unless the value is a number of bytes. */
export function expectSize(field: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0) return;
  throw new TypeError(`${field}: ${value} is not a number of bytes`);
}

/** `Content-Range: bytes 5-9/10` (RFC 9110, 14.4) must be the requested part, up to the end. */
function expectRange(answer: Answer, offset: number, size: number, context: OperationContext): void {
  const range = answer.header('content-range') ?? '';
  const [, first, last, total] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i.exec(range.trim()) ?? [];
  const wholeSize = total === '*' ? size : Number(total);
  if (Number(first) === offset && Number(last) === size - 1 && wholeSize === size) return;
  throw new RegistryError(context, {
    code: 'RANGE_INVALID',
    status: answer.status,
    reason: `bytes ${offset}-${size - 1}/${size} were requested, but the answer has ${answer.away ? 'others' : `“${redactText(range).slice(0, 100)}”`}`,
  });
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
