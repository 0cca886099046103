import { isDeepStrictEqual } from 'node:util';
import type { CheckpointStore, UploadCheckpoint } from '../../core/copy/blob/checkpoints.ts';
import type { Digest } from '../../core/oci/digest.ts';

/** Checkpoints in memory, as strict about their conditions as a table. */
export class MemoryCheckpoints implements CheckpointStore {
  readonly #stored = new Map<string, UploadCheckpoint>();
  /** Called before each write; throw to make it fail. */
  beforeWrite: (next: UploadCheckpoint) => void | Promise<void> = () => {};

  get size(): number {
    return this.#stored.size;
  }

  async read(repository: string, digest: Digest): Promise<UploadCheckpoint | undefined> {
    return structuredClone(this.#stored.get(`${repository}@${digest}`));
  }

  async write(
    repository: string,
    digest: Digest,
    next: UploadCheckpoint,
    last: UploadCheckpoint | undefined,
  ): Promise<boolean> {
    await this.beforeWrite(next);
    const key = `${repository}@${digest}`;
    if (!isDeepStrictEqual(this.#stored.get(key), last)) return false;
    this.#stored.set(key, structuredClone(next));
    return true;
  }

  async remove(repository: string, digest: Digest, last: UploadCheckpoint): Promise<void> {
    const key = `${repository}@${digest}`;
    if (isDeepStrictEqual(this.#stored.get(key), last)) this.#stored.delete(key);
  }

  /** Stores what a test wants, without a condition. */
  set(repository: string, digest: Digest, checkpoint: UploadCheckpoint): void {
    this.#stored.set(`${repository}@${digest}`, structuredClone(checkpoint));
  }
}
