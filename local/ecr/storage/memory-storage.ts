import { createHash } from 'node:crypto';
import type { Digest } from '../../../core/oci/digest.ts';
import type { BlobStore, ByteRange, PartialBlob, RegistryStorage } from './blob-store.ts';
import { RunningDigest } from './running-digest.ts';

/**
 * Smaller chunks are copied: they are slices of a larger socket buffer, which would otherwise stay
 * in memory.
 */
const copyBelow = 32 * 1024;

/** Everything in memory, in chunks as received. It is gone when the process ends. */
export function memoryStorage(): RegistryStorage {
  const blobs = new Map<Digest, Uint8Array[]>();
  const store: BlobStore = {
    create: async () => new MemoryPartialBlob(blobs),
    reopen: async () => undefined,
    discardPartials: async () => {},
    put: async (digest, bytes) => {
      blobs.set(digest, [Uint8Array.from(bytes)]);
    },
    read: async (digest, range) => {
      const chunks = blobs.get(digest);
      if (chunks === undefined) throw new Error(`no bytes are stored for ${digest}`);
      return slices(chunks, range);
    },
    remove: async (digest) => {
      blobs.delete(digest);
    },
  };
  return { blobs: store, records: { load: async () => [], put: async () => {}, remove: async () => {} } };
}

async function* slices(chunks: Uint8Array[], range?: ByteRange): AsyncGenerator<Uint8Array> {
  let position = 0;
  const start = range?.start ?? 0;
  const end = (range?.end ?? Number.MAX_SAFE_INTEGER - 1) + 1;
  for (const chunk of chunks) {
    const from = Math.max(start - position, 0);
    const to = Math.min(end - position, chunk.length);
    if (from < to) yield to - from === chunk.length ? chunk : chunk.subarray(from, to);
    position += chunk.length;
    if (position >= end) return;
  }
}

class MemoryPartialBlob implements PartialBlob {
  length = 0;
  readonly #blobs: Map<Digest, Uint8Array[]>;
  readonly #digest = new RunningDigest();
  #chunks: Uint8Array[] = [];

  constructor(blobs: Map<Digest, Uint8Array[]>) {
    this.#blobs = blobs;
  }

  async append(source: AsyncIterable<Uint8Array>): Promise<number> {
    const before = this.length;
    for await (const chunk of source) {
      this.#digest.update(chunk);
      this.#chunks.push(chunk.length < copyBelow ? Uint8Array.from(chunk) : chunk);
      this.length += chunk.length;
    }
    return this.length - before;
  }

  async digest(algorithm: 'sha256' | 'sha512'): Promise<Digest> {
    if (algorithm === 'sha256') return this.#digest.current();
    const hash = createHash(algorithm);
    for (const chunk of this.#chunks) hash.update(chunk);
    return `${algorithm}:${hash.digest('hex')}`;
  }

  async commit(digest: Digest): Promise<void> {
    this.#blobs.set(digest, this.#chunks);
    this.#chunks = [];
  }

  async discard(): Promise<void> {
    this.#chunks = [];
  }
}
