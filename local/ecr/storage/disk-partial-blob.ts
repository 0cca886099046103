import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import type { Digest } from '../../../core/oci/digest.ts';
import type { PartialBlob } from './blob-store.ts';
import { RunningDigest } from './running-digest.ts';
import { renameInto } from './write-atomically.ts';

/**
 * While one write is in progress, this much may wait for the next; beyond that, the sender has to
 * wait.
 */
const maxWaitingBytes = 1024 * 1024;

/** A blob that is being written to a file. */
export class DiskPartialBlob implements PartialBlob {
  length: number;
  readonly #path: string;
  readonly #blobPath: (digest: Digest) => string;
  /**
   * Absent after a restart, since Node's hash state does not outlive the process, and after a
   * failed write: the file is then read again at the end.
   */
  #digest: RunningDigest | undefined;

  constructor(path: string, length: number, blobPath: (digest: Digest) => string) {
    this.#path = path;
    this.length = length;
    this.#blobPath = blobPath;
    this.#digest = length === 0 ? new RunningDigest() : undefined;
  }

  async append(source: AsyncIterable<Uint8Array>): Promise<number> {
    const before = this.length;
    const file = await open(this.#path, 'r+');
    try {
      await this.#appendTo(file, source);
    } finally {
      await file.close();
    }
    return this.length - before;
  }

  async #appendTo(file: FileHandle, source: AsyncIterable<Uint8Array>): Promise<void> {
    let waiting: Uint8Array[] = [];
    let waitingBytes = 0;
    let writing: Promise<void> | undefined;
    let failure: unknown;
    /** Writes everything that waits in one go, then whatever arrived meanwhile. */
    const write = async (): Promise<void> => {
      while (waiting.length > 0) {
        const batch = waiting;
        const size = waitingBytes;
        waiting = [];
        waitingBytes = 0;
        await writeAll(file, batch, this.length).catch((error: unknown) => {
          this.#digest = undefined;
          throw error;
        });
        this.length += size;
      }
      writing = undefined;
    };
    try {
      for await (const chunk of source) {
        this.#digest?.update(chunk);
        waiting.push(chunk);
        waitingBytes += chunk.length;
        writing ??= write();
        if (waitingBytes > maxWaitingBytes) await writing;
        else writing.catch(() => {});
      }
    } catch (error) {
      failure = error;
    }
    await writing;
    if (failure !== undefined) throw failure;
  }

  async digest(algorithm: 'sha256' | 'sha512'): Promise<Digest> {
    if (algorithm === 'sha256' && this.#digest !== undefined) return this.#digest.current();
    const hash = createHash(algorithm);
    if (this.length > 0) {
      const content = createReadStream(this.#path, { highWaterMark: maxWaitingBytes, end: this.length - 1 });
      for await (const chunk of content) hash.update(chunk as Uint8Array);
    }
    return `${algorithm}:${hash.digest('hex')}`;
  }

  async commit(digest: Digest): Promise<void> {
    await renameInto(this.#path, this.#blobPath(digest));
  }

  async discard(): Promise<void> {
    await rm(this.#path, { force: true });
  }
}

/** writev may write less than it was given. */
async function writeAll(file: FileHandle, chunks: Uint8Array[], position: number): Promise<void> {
  const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  let { bytesWritten } = await file.writev(chunks, position);
  let start = 0;
  for (const chunk of bytesWritten < size ? chunks : []) {
    while (bytesWritten < start + chunk.length) {
      const rest = chunk.subarray(bytesWritten - start);
      bytesWritten += (await file.write(rest, 0, rest.length, position + bytesWritten)).bytesWritten;
    }
    start += chunk.length;
  }
}
