/** The bytes in pieces of `size`. */
export async function* inChunks(bytes: Uint8Array, size = 16_384): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.byteLength; start += size) yield bytes.subarray(start, start + size);
}

/** These chunks, one after the other. */
export async function* chunks(...pieces: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

/**
 * Yields the first bytes, and then nothing until the signal aborts. The stream then fails with the
 * signal's reason.
 */
export async function* stalling(first: Uint8Array, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  yield first;
  await new Promise((_, reject) => {
    if (signal?.aborted) reject(signal.reason);
    signal?.addEventListener('abort', () => reject(signal.reason));
  });
}

/** All bytes of a stream. */
export async function collected(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of stream) all.push(chunk);
  return Buffer.concat(all);
}

/** How long a promise takes to settle, milliseconds. */
export async function timeOf(promise: Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await promise.catch(() => {});
  return performance.now() - begun;
}
