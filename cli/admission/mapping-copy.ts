import { wait } from '../../core/async/wait.ts';
import type { Log } from './log.ts';
import type { MappingIndex } from './mapping-index.ts';

/** A version of the mapping. */
export interface MappingVersion {
  index: MappingIndex;
  /** When it was fetched, ISO 8601. */
  fetchedAt: string;
}

/** Where the mapping comes from. */
export interface MappingSource {
  /** What was kept from an earlier run, if anything was. */
  kept(): Promise<MappingVersion | undefined>;
  /** The current version; undefined if the last one still is. */
  fetch(signal: AbortSignal): Promise<MappingVersion | undefined>;
}

/** While there is no mapping at all, it is asked for more often. */
const firstWaitMs = 500;

/** A copy of the mapping that is refreshed, and that outlasts any failure to do so. */
export class MappingCopy {
  readonly #source: MappingSource;
  readonly #log: Log;
  #version: MappingVersion | undefined;

  constructor(source: MappingSource, log: Log) {
    this.#source = source;
    this.#log = log;
  }

  /** What there is to answer by; undefined before the first version. */
  get version(): MappingVersion | undefined {
    return this.#version;
  }

  /** Refreshes the copy until the signal aborts. */
  async keepFresh(refreshMs: number, signal: AbortSignal): Promise<void> {
    await this.#start();
    let failures = 0;
    while (!signal.aborted) {
      failures = (await this.#refresh(signal)) ? 0 : failures + 1;
      const pause = this.#version
        ? refreshMs
        : Math.min(refreshMs, firstWaitMs * 2 ** Math.min(failures, 10));
      // Servers that were started together don't ask together for ever.
      await wait(pause * (0.9 + Math.random() * 0.2), signal).catch(() => {});
    }
  }

  async #start(): Promise<void> {
    try {
      const kept = await this.#source.kept();
      if (kept) this.#take(kept, 'the mapping of an earlier run is in use');
    } catch (error) {
      this.#log('warn', 'the mapping of an earlier run can’t be used', { error });
    }
  }

  async #refresh(signal: AbortSignal): Promise<boolean> {
    try {
      const version = await this.#source.fetch(signal);
      if (version) this.#take(version, 'the mapping was fetched');
      return true;
    } catch (error) {
      if (!signal.aborted) {
        const { fetchedAt } = this.#version ?? {};
        this.#log('warn', 'the mapping could not be fetched', {
          error,
          ...(fetchedAt && { inUse: fetchedAt }),
        });
      }
      return false;
    }
  }

  #take(version: MappingVersion, message: string): void {
    this.#version = version;
    this.#log('info', message, { mappings: version.index.count, fetchedAt: version.fetchedAt });
  }
}
