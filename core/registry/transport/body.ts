/** A body that can be stopped: an answer's, or any readable stream. */
export interface AnswerBody extends AsyncIterable<Uint8Array> {
  destroy(error?: Error): unknown;
}

/**
 * The most that is read of a body that nobody wants, to keep its connection; a longer one costs the
 * connection.
 */
const maxDiscardedBytes = 64 * 1024;

/**
 * How long a bounded body may take as a whole: the idle timeout alone would let a drop every few
 * seconds go on for ever.
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

/** A bounded body came too slowly; has the code of undici's own body timeout, since it is one. */
class BodyTooSlowError extends Error {
  readonly code = 'UND_ERR_BODY_TIMEOUT';
  constructor() {
    super(`the answer took longer than ${maxReadMs} ms`);
    this.name = 'BodyTooSlowError';
  }
}

/**
 * Hands on a body's chunks to its end; throws `BodyTooLargeError`, and stops reading, as soon as it
 * exceeds the limit.
 */
export async function readThrough(
  body: AnswerBody,
  limit: number,
  onChunk: (chunk: Uint8Array) => void,
): Promise<void> {
  const begun = performance.now();
  let size = 0;
  // Leaving the loop by an error destroys the stream.
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > limit) throw new BodyTooLargeError(limit);
    if (performance.now() - begun > maxReadMs) throw new BodyTooSlowError();
    onChunk(chunk);
  }
}

/** Reads a body to its end and gives it whole; throws as {@link readThrough} does. */
export async function readBounded(body: AnswerBody, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  await readThrough(body, limit, (chunk) => chunks.push(chunk));
  // A copy even of a single chunk, which would keep the whole buffer of its socket read alive.
  return Buffer.concat(chunks);
}

/** The beginning of a body, up to the limit; what fails in it is no error: it only explains one. */
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
    // What came is what there is to show.
  }
  return Buffer.concat(chunks).subarray(0, limit);
}

/**
 * Reads away a body that nobody wants, or closes its connection where that would take long. Never
 * fails.
 */
export async function discard(body: AnswerBody): Promise<void> {
  await readBeginning(body, maxDiscardedBytes);
}
