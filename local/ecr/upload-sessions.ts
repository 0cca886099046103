import { randomUUID } from 'node:crypto';
import type { PartialBlob, RegistryStorage, StoredRecord } from './storage/blob-store.ts';

/** ECR stores parts as S3 does: every part except the last has at least this size. */
export const minPartBytes = 5 * 1024 * 1024;

/** The part size that InitiateLayerUpload returns. */
export const partBytes = 10 * 1024 * 1024;

/**
 * The most parts of one layer.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html
 */
export const maxParts = 4200;

/** Sessions that are idle for this long are discarded (milliseconds). */
const idleLimit = 24 * 60 * 60 * 1000;

/** The protocol that started an upload; the other one does not find it. */
export type UploadKind = 'api' | 'distribution';

/** The state of a session that survives a restart. */
interface SessionState {
  id: string;
  kind: UploadKind;
  repository: string;
  /** Bytes acknowledged. */
  length: number;
  parts: number;
  lastPartBytes: number;
  /** A part that turned out not to be the last was smaller than {@link minPartBytes}. */
  undersized: boolean;
}

/** One upload in progress. */
export interface UploadSession extends SessionState {
  partial: PartialBlob;
  /** The last byte of the first chunk, which ECR repeats for all others (CR#2831). */
  firstChunkEnd?: number;
  touchedAt: number;
  /** A request is adding bytes or completing it right now. */
  busy: boolean;
}

/**
 * Uploads in progress. Those of the ECR API survive a restart, since their parts may come from
 * several processes.
 */
export class UploadSessions {
  readonly #storage: RegistryStorage;
  readonly #sessions = new Map<string, UploadSession>();

  private constructor(storage: RegistryStorage) {
    this.#storage = storage;
  }

  /**
   * Resumes the sessions of an earlier process; `records` is everything that the storage has
   * loaded.
   */
  static async open(storage: RegistryStorage, records: StoredRecord[]): Promise<UploadSessions> {
    const sessions = new UploadSessions(storage);
    for (const { key, value } of records) {
      if (!key.startsWith('upload ')) continue;
      const state = value as SessionState;
      const partial = await storage.blobs.reopen(state.id, state.length);
      if (partial === undefined) await storage.records.remove(key);
      else sessions.#sessions.set(state.id, { ...state, partial, touchedAt: Date.now(), busy: false });
    }
    await storage.blobs.discardPartials(new Set(sessions.#sessions.keys()));
    return sessions;
  }

  /** Starts an upload. */
  async create(kind: UploadKind, repository: string): Promise<UploadSession> {
    await this.#discardIdle();
    const id = randomUUID();
    const session: UploadSession = {
      id,
      kind,
      repository,
      length: 0,
      parts: 0,
      lastPartBytes: 0,
      undersized: false,
      partial: await this.#storage.blobs.create(id),
      touchedAt: Date.now(),
      busy: false,
    };
    this.#sessions.set(id, session);
    await this.#save(session);
    return session;
  }

  /** The session with this id and kind in this repository. */
  find(kind: UploadKind, repository: string, id: string): UploadSession | undefined {
    const session = this.#sessions.get(id);
    return session?.kind === kind && session.repository === repository ? session : undefined;
  }

  /**
   * Adds a part. If the connection breaks, the bytes so far are kept, no part is counted and the
   * source's error is thrown.
   * @returns the part's size
   */
  async append(session: UploadSession, source: AsyncIterable<Uint8Array>): Promise<number> {
    if (session.busy) throw new Error(`the upload ${session.id} is in use; callers must look at busy first`);
    session.busy = true;
    try {
      const added = await session.partial.append(source);
      if (added > 0) {
        if (session.parts > 0 && session.lastPartBytes < minPartBytes) session.undersized = true;
        session.parts += 1;
        session.lastPartBytes = added;
        session.firstChunkEnd ??= session.partial.length - 1;
      }
      return added;
    } finally {
      session.length = session.partial.length;
      session.touchedAt = Date.now();
      session.busy = false;
      await this.#save(session);
    }
  }

  /** Removes a session whose bytes were committed. */
  async finish(session: UploadSession): Promise<void> {
    this.#sessions.delete(session.id);
    if (session.kind === 'api') await this.#storage.records.remove(`upload ${session.id}`);
  }

  /** Discards a session with its bytes. */
  async discard(session: UploadSession): Promise<void> {
    await this.finish(session);
    await session.partial.discard();
  }

  /** Discards all sessions of a repository. */
  async discardOf(repository: string): Promise<void> {
    for (const session of [...this.#sessions.values()]) {
      if (session.repository === repository) await this.discard(session);
    }
  }

  async #discardIdle(): Promise<void> {
    const limit = Date.now() - idleLimit;
    for (const session of [...this.#sessions.values()]) {
      if (session.touchedAt < limit && !session.busy) await this.discard(session);
    }
  }

  async #save(session: UploadSession): Promise<void> {
    if (session.kind !== 'api' || !this.#sessions.has(session.id)) return;
    const { id, kind, repository, length, parts, lastPartBytes, undersized } = session;
    const state: SessionState = { id, kind, repository, length, parts, lastPartBytes, undersized };
    await this.#storage.records.put(`upload ${id}`, state);
  }
}
