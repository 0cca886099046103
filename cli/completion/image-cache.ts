import { createHash, randomUUID } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** What is remembered of an API's images. */
export interface CachedImages {
  /** When they were read, milliseconds since 1970. */
  at: number;
  images: string[];
}

/**
 * The names of an API's images in a file that only its user can read: names alone may be
 * confidential.
 */
export class ImageCache {
  readonly #folder: string;
  readonly #file: string;

  /** @param key names the deployment and the caller: the file's name does not show it. */
  constructor(key: string, env: NodeJS.ProcessEnv) {
    this.#folder = join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'drayage');
    const name = createHash('sha256').update(key).digest('hex').slice(0, 32);
    this.#file = join(this.#folder, `images-${name}.json`);
  }

  /** @returns undefined if there is none, or it can't be trusted */
  read(): CachedImages | undefined {
    try {
      this.#check();
      const { at, images } = JSON.parse(readFileSync(this.#file, 'utf8')) as CachedImages;
      const isUsable = typeof at === 'number' && Array.isArray(images);
      return isUsable ? { at, images: images.filter((image) => typeof image === 'string') } : undefined;
    } catch (error) {
      if (isExpected(error)) return undefined;
      throw error;
    }
  }

  /** Replaces the file in one step. */
  write(cached: CachedImages): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    this.#check();
    const written = `${this.#file}.${randomUUID()}`;
    try {
      writeFileSync(written, JSON.stringify(cached), { mode: 0o600, flag: 'wx' });
      renameSync(written, this.#file);
    } finally {
      rmSync(written, { force: true });
    }
  }

  /**
   * Whether nobody has begun to refresh it for some time; the caller then should. Several shells
   * may ask at once.
   */
  takeTurn(everyMs: number, now: number): boolean {
    const mark = `${this.#file}.turn`;
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    this.#check();
    const before = statSync(mark, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (now - before < everyMs) return false;
    writeFileSync(mark, '', { mode: 0o600 });
    return true;
  }

  /** @throws CacheError if others can write into the folder: its names would end up in a shell */
  #check(): void {
    const { uid, mode } = lstatSync(this.#folder);
    if (uid !== process.getuid?.() || (mode & 0o022) !== 0) throw new CacheError(this.#folder);
  }
}

class CacheError extends Error {
  override readonly name = 'CacheError';
  constructor(folder: string) {
    super(`${folder} belongs to somebody else, or others can write into it`);
  }
}

/** What a cache can do without: no file yet, no right to it, or something else in it. */
function isExpected(error: unknown): boolean {
  return (
    error instanceof SyntaxError ||
    error instanceof CacheError ||
    (error as NodeJS.ErrnoException).syscall !== undefined
  );
}
