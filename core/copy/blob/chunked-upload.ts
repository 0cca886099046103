import type { Descriptor } from '../../oci/descriptor.ts';
import type { RegistryClient } from '../../registry/client.ts';
import { RegistryError } from '../../registry/errors.ts';
import type { UploadSession } from '../../registry/operations/start-upload.ts';
import type { CallOptions } from '../ports.ts';

/**
 * The first chunk size after a body was refused, in bytes. It is below what common proxies accept
 * (Cloudflare 100 MB), and large enough that one round trip per chunk costs little.
 */
const firstChunkBytes = 16 * 1024 * 1024;
/** The factor by which each refusal makes chunks smaller. */
const shrinkBy = 4;
/** Smaller chunks are not tried: nginx accepts 1 MB by default. */
const leastChunkBytes = 256 * 1024;

/**
 * After this many broken uploads of one blob in a single request, a body limit whose 413 got lost
 * is likely.
 */
const suspiciousBreaks = 2;
/** No proxy limits bodies to less in practice, bytes. */
const leastSuspectBytes = 1024 * 1024;

/** A body was refused for its size (413); the blob must be sent again, in smaller bodies. */
export class BodyRefusedError extends RegistryError {
  constructor(error: RegistryError, maxBodyBytes: number) {
    super(error, {
      code: error.code === 'CONNECTION' ? error.code : 'BODY_TOO_LARGE',
      ...(error.status !== undefined && { status: error.status }),
      reason: `${error.reason}; the upload continues in chunks of ${maxBodyBytes} bytes`,
      temporary: true,
      cause: error,
    });
    this.name = 'BodyRefusedError';
  }
}

/** A blob, and the session that it goes into. */
export interface BlobToUpload {
  client: RegistryClient;
  session: UploadSession;
  blob: Descriptor;
  body: AsyncIterable<Uint8Array>;
}

/**
 * Uploads a blob into a session: in one request if the registry accepts bodies of its size,
 * otherwise in chunks
 * (https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks).
 * A body that is refused for its size (413), by the registry or a proxy in front of it, lowers the
 * limit for all further blobs of the registry.
 *
 * A proxy may close the connection while the body is still being sent, and its answer is then lost
 * (RFC 9110, 15.5.14). So a blob whose uploads broke twice is sent in chunks, too.
 *
 * @param breaks how often the connection broke while the blob was sent in a single request
 * @throws BodyRefusedError if it should be sent again; whatever {@link RegistryClient.putBlob}
 *   throws
 */
export async function uploadBlob(
  upload: BlobToUpload,
  { breaks = 0, ...options }: CallOptions & { breaks?: number } = {},
): Promise<void> {
  const { client, session, blob, body } = upload;
  const limit = client.refused.maxBodyBytes;
  if (limit === undefined && breaks >= suspiciousBreaks && blob.size > leastSuspectBytes) {
    return await tryChunks(upload, { ...options, breaks });
  }
  const chunkBytes = limit === undefined || blob.size <= limit ? undefined : limit;
  try {
    if (chunkBytes === undefined) await client.putBlob(session, blob, body, options);
    else await uploadChunks(upload, chunkBytes, options);
  } catch (error) {
    if (!(error instanceof RegistryError) || error.status !== 413)
      throw chunkBytes === undefined ? error : withoutChunks(error, chunkBytes);
    throw refusedBody(client, error, { sent: Math.min(blob.size, chunkBytes ?? blob.size), session });
  }
}

/**
 * Sends chunks because bodies may be limited, and records the limit if they get through. If a chunk
 * breaks off, too, the next ones are smaller. A registry that does not accept chunks does not fail
 * the blob for good.
 */
async function tryChunks(
  upload: BlobToUpload,
  { breaks, ...options }: CallOptions & { breaks: number },
): Promise<void> {
  const { client, blob } = upload;
  const chunkBytes = chunkAfter(breaks, blob.size);
  try {
    await uploadChunks(upload, chunkBytes, options);
    client.refused.maxBodyBytes ??= chunkBytes;
  } catch (error) {
    if (!(error instanceof RegistryError) || error.side !== client.side) throw error;
    const next = chunkAfter(breaks + 1, blob.size);
    if (error.code === 'CONNECTION' && next < chunkBytes) throw new BodyRefusedError(error, next);
    if (error.status === undefined || error.temporary) throw error;
    const { code, status, reason } = error;
    throw new RegistryError(error, { code, status, reason, temporary: true, cause: error });
  }
}

/** The chunk size after this many broken uploads. */
function chunkAfter(breaks: number, size: number): number {
  let bytes = smallerThan(size);
  for (let more = breaks - suspiciousBreaks; more > 0; more -= 1) bytes = Math.floor(bytes / shrinkBy);
  return Math.max(bytes, leastChunkBytes);
}

function smallerThan(bytes: number): number {
  return Math.min(firstChunkBytes, Math.floor(bytes / shrinkBy));
}

/** A registry that accepts neither a large body nor chunks: its limit must be raised. */
function withoutChunks(error: unknown, chunkBytes: number): unknown {
  const isRefused =
    error instanceof RegistryError && error.status !== undefined && [404, 405, 501].includes(error.status);
  if (!isRefused) return error;
  return new RegistryError(error, {
    code: 'BODY_TOO_LARGE',
    ...(error.status !== undefined && { status: error.status }),
    reason: `${error.reason} to a chunk, and bodies of more than ${chunkBytes} bytes were refused before (413)`,
    cause: error,
  });
}

/** Lowers the limit below the refused size, unless it already is lower. */
function refusedBody(
  { refused }: RegistryClient,
  error: RegistryError,
  { sent, session }: { sent: number; session: UploadSession },
): RegistryError {
  const least = Math.max(leastChunkBytes, session.minChunkBytes ?? 0);
  if (refused.maxBodyBytes !== undefined && refused.maxBodyBytes < sent) {
    return new BodyRefusedError(error, refused.maxBodyBytes);
  }
  if (sent <= least) {
    return new RegistryError(error, {
      code: 'BODY_TOO_LARGE',
      status: 413,
      reason: `${error.reason}, to a body of ${sent} bytes, and chunks must have at least ${least}`,
      cause: error,
    });
  }
  refused.maxBodyBytes = Math.max(least, smallerThan(sent));
  return new BodyRefusedError(error, refused.maxBodyBytes);
}

async function uploadChunks(
  { client, session: begun, blob, body }: BlobToUpload,
  wantedBytes: number,
  options?: CallOptions,
): Promise<void> {
  const chunkBytes = Math.max(wantedBytes, begun.minChunkBytes ?? 0);
  const pieces = new Pieces(body);
  let session = begun;
  try {
    for (let offset = 0; offset < blob.size; offset += chunkBytes) {
      const size = Math.min(chunkBytes, blob.size - offset);
      session = await client.patchBlob(session, { offset, size }, pieces.take(size), options);
    }
    await pieces.expectEnd();
    await client.finishUpload(session, blob.digest, options);
  } catch (error) {
    if (!(error instanceof RegistryError) || error.status !== 416) throw error;
    // The registry has a different number of bytes than was sent: this session is useless.
    const { code, reason } = error;
    throw new RegistryError(error, { code, status: 416, reason, temporary: true, cause: error });
  } finally {
    await pieces.close();
  }
}

/** Cuts a stream into pieces. */
class Pieces {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array | undefined;

  constructor(body: AsyncIterable<Uint8Array>) {
    this.#chunks = body[Symbol.asyncIterator]();
  }

  /** The next `size` bytes, or as many as there are. */
  async *take(size: number): AsyncGenerator<Uint8Array> {
    for (let left = size; left > 0; ) {
      const chunk = await this.#next();
      if (chunk === undefined) return;
      if (chunk.byteLength > left) this.#rest = chunk.subarray(left);
      const taken = chunk.subarray(0, left);
      left -= taken.byteLength;
      yield taken;
    }
  }

  /**
   * Waits until the body has ended: only then is it known to be complete. If more bytes come, the
   * body itself refuses them.
   */
  async expectEnd(): Promise<void> {
    while ((await this.#next()) !== undefined);
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async #next(): Promise<Uint8Array | undefined> {
    if (this.#rest) {
      const rest = this.#rest;
      this.#rest = undefined;
      return rest;
    }
    const { done, value } = await this.#chunks.next();
    return done ? undefined : value;
  }
}
