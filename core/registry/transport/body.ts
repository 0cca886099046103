/** A body that can be stopped: an answer's, or any readable stream. */
export interface AnswerBody extends AsyncIterable<Uint8Array> {
  destroy(error?: Error): unknown;
}

/**
 * The most that is read of an unneeded body to keep its connection; a longer one costs the
 * connection.
 */
const maxDiscardedBytes = 64 * 1024;

/**
 * How long a bounded body may take in total: with the idle timeout alone, a byte every few seconds
 * could go on forever.
 */
const maxReadMs = 120_000;

/** A body was longer than its limit. */
export class BodyTooLargeError extends Error {
  readonly limit: number;
  constructor(limit: number) {
    super(`the answer is longer than ${limit} bytes`);
    this.name = 'BodyTooLargeError';
    this.limit = limit;
  }
}

/** A bounded body came too slowly; it has the code of undici's own body timeout. */
class BodyTooSlowError extends Error {
  readonly code = 'UND_ERR_BODY_TIMEOUT';
  constructor() {
    super(`the answer took longer than ${maxReadMs} ms`);
    this.name = 'BodyTooSlowError';
  }
}

/**
 * Passes on a body's chunks until its end; throws `BodyTooLargeError`, and stops reading, as soon
 * as it exceeds the limit.
 */
export async function readThrough(
  body: AnswerBody,
  limit: number,
  onChunk: (chunk: Uint8Array) => void,
): Promise<void> {
  const begun = performance.now();
  let size = 0;
  // Leaving the loop with an error destroys the stream.
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > limit) throw new BodyTooLargeError(limit);
    if (performance.now() - begun > maxReadMs) throw new BodyTooSlowError();
    onChunk(chunk);
  }
}

/** Reads a body to its end and returns all of it; throws as {@link readThrough} does. */
export async function readBounded(body: AnswerBody, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  await readThrough(body, limit, (chunk) => chunks.push(chunk));
  // Copies even a single chunk, which would otherwise keep its socket's whole read buffer alive.
  return Buffer.concat(chunks);
}

/**
 * The beginning of a body, up to the limit. A failure to read it is ignored: the body only explains
 * an error.
 */
export async function readBeginning(body: AnswerBody, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    const begun = performance.now();
    for await (const chunk of body) {
      chunks.push(chunk);
      size += chunk.byteLength;
      if (size >= limit || performance.now() - begun > maxReadMs) break;
    }
  } catch {
    // Whatever arrived is enough.
  }
  return Buffer.concat(chunks).subarray(0, limit);
}

/**
 * Reads and drops an unneeded body, or closes its connection if that would take long. Never fails.
 */
export async function discard(body: AnswerBody): Promise<void> {
  await readBeginning(body, maxDiscardedBytes);
}
