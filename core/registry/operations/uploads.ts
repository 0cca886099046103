import { finished } from 'node:stream/promises';
import type { Digest } from '../../oci/digest.ts';
import { repositoryScope } from '../auth/scopes.ts';
import { RegistryError } from '../errors.ts';
import type { Answer, Call, CallOptions, Exchange } from '../exchange.ts';
import { discard } from '../transport/body.ts';
import { type BlobDescriptor, expectSize } from './blobs.ts';
import { expectContentDigest } from './headers.ts';
import { nextSession, type UploadSession } from './start-upload.ts';
import { UploadSource } from './upload-source.ts';

/**
 * Sends the whole blob in one streaming PUT: two requests per blob, including the POST. The body is
 * read as fast as the registry accepts it. Tried once: the stream is then used up. The body always
 * ends, too: its own failure is thrown as it is; on any other failure, its iterator is closed (a
 * Readable is destroyed).
 *
 * Throws a RegistryError: SIZE_INVALID if the body does not have `size` bytes, DIGEST_INVALID if
 * the registry says that it stored something else, and the registry's own errors.
 */
export async function putBlob(
  exchange: Exchange,
  session: UploadSession,
  { digest, size, body }: BlobDescriptor & { body: AsyncIterable<Uint8Array> },
  { signal }: CallOptions = {},
): Promise<void> {
  expectSize('size', size);
  const call = { operation: 'upload blob', repository: session.repository, reference: digest };
  await sendStream(exchange, {
    session,
    body,
    size,
    call: {
      ...call,
      method: 'PUT',
      url: withDigest(session.location, digest),
      // 201 by the specification; some registries answer 204.
      expect: [200, 201, 202, 204],
      work: 'finish',
      signal,
    },
    consume: (answer) => expectContentDigest(answer, digest, exchange.context(call)),
  });
}

/**
 * Sends one piece of a blob, beginning at `offset`, and returns the session to continue with.
 * Pieces are sent in order. On ECR, all but the last must have at least 5 MiB. The status (201) and
 * `Range` of ECR's answers mislead (CR#2831), so the sender keeps its own offset.
 */
export async function patchBlob(
  exchange: Exchange,
  session: UploadSession,
  { offset, size, body }: { offset: number; size: number; body: AsyncIterable<Uint8Array> },
  { signal }: CallOptions = {},
): Promise<UploadSession> {
  expectSize('offset', offset);
  expectSize('size', size);
  if (size === 0) throw new TypeError('size: a piece of 0 bytes cannot be sent; leave it out');
  const call = { operation: 'upload piece', repository: session.repository };
  return await sendStream(exchange, {
    session,
    body,
    size,
    call: {
      ...call,
      method: 'PATCH',
      url: new URL(session.location),
      headers: { 'content-range': `${offset}-${offset + size - 1}` },
      expect: [201, 202, 204],
      signal,
    },
    // Only the first answer states the minimum chunk size.
    consume: (answer) => ({ ...session, ...nextSession(exchange, call, session.repository, answer) }),
  });
}

/** Ends an upload whose pieces are all there. Throws as `putBlob` does. */
export async function finishUpload(
  exchange: Exchange,
  session: UploadSession,
  digest: Digest,
  options: CallOptions = {},
): Promise<void> {
  await putBlob(exchange, session, { digest, size: 0, body: noBytes() }, options);
}

/**
 * Tells the registry to drop an upload. Best effort: uploads expire by themselves, so failures
 * other than a cancellation are ignored.
 */
export async function cancelUpload(
  exchange: Exchange,
  session: UploadSession,
  { signal }: CallOptions = {},
): Promise<void> {
  try {
    await exchange.perform(
      {
        operation: 'cancel upload',
        repository: session.repository,
        method: 'DELETE',
        url: new URL(session.location),
        scopes: [repositoryScope(session.repository, 'pull', 'push')],
        expect: [200, 202, 204, 404],
        unknownCode: 'BLOB_UPLOAD_UNKNOWN',
        retry: false,
        signal,
      },
      (answer) => discard(answer.body),
    );
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
  }
}

/** What is streamed into a session, and how the answer is handled. */
interface StreamedCall<T> {
  session: UploadSession;
  body: AsyncIterable<Uint8Array>;
  size: number;
  call: Omit<Call, 'scopes' | 'unknownCode' | 'retry' | 'body'>;
  consume: (answer: Answer) => T;
}

/** PUT and PATCH: streams exactly `size` bytes, and releases the body whatever happens. */
async function sendStream<T>(
  exchange: Exchange,
  { session, body, size, call, consume }: StreamedCall<T>,
): Promise<T> {
  const source = new UploadSource(body, size, exchange.context(call));
  try {
    // With size 0, nothing is sent, but the body must still turn out to be empty.
    if (size === 0) await finished(source.resume());
    return await exchange.perform(
      {
        ...call,
        scopes: [repositoryScope(session.repository, 'pull', 'push')],
        headers: {
          'content-type': 'application/octet-stream',
          'content-length': String(size),
          ...call.headers,
        },
        ...(size === 0 ? {} : { body: source }),
        unknownCode: 'BLOB_UPLOAD_UNKNOWN',
        retry: false,
      },
      (answer) => {
        discard(answer.body);
        if (source.sent < size) {
          const reason = `the registry answered after ${source.sent} of ${size} bytes`;
          const { status } = answer;
          throw new RegistryError(exchange.context(call), { code: 'ANSWER_INVALID', status, reason });
        }
        return consume(answer);
      },
    );
  } catch (error) {
    call.signal?.throwIfAborted();
    throw source.failure ? source.failure.error : error;
  } finally {
    // Not awaited: a generator that is stuck in its source ends when the source does.
    source.destroy();
  }
}

/**
 * The location with `digest` added, unless a redirect has it already. The location's own query
 * stays unchanged: it may be signed.
 */
function withDigest(location: string, digest: Digest): URL {
  if (new URL(location).searchParams.get('digest') === digest) return new URL(location);
  return new URL(`${location}${location.includes('?') ? '&' : '?'}digest=${encodeURIComponent(digest)}`);
}

async function* noBytes(): AsyncGenerator<Uint8Array> {}
