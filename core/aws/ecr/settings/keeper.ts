import { ECRClient, type ECRClientConfig } from '@aws-sdk/client-ecr';
import { Flights } from '../../../async/flights.ts';
import type { RepositorySettings } from '../../../config/config.ts';
import type { CallOptions } from '../../../copy/ports.ts';
import { DrayageError } from '../../../errors.ts';
import { compareSettings } from '../../../repository-settings/compare-settings.ts';
import type { KeptSettings } from '../../../repository-settings/settings.ts';
import { timeouts } from '../../connection.ts';
import { changeSetting } from './change-setting.ts';
import { readSettings } from './read-settings.ts';

/** How long a repository that was in line is not looked at again, milliseconds. */
const rememberMs = 3600_000;
/** The same after something failed that may work the next time. */
const rememberFailureMs = 60_000;
/** How long all calls about one repository may take: no image waits longer for its settings. */
const limitMs = 20_000;

export interface KeepOptions extends CallOptions {
  /** Looks even if the repository was looked at a short time ago. */
  fresh?: boolean | undefined;
  /** Tells what would be changed, and changes nothing. */
  dryRun?: boolean | undefined;
}

export interface EcrSettingsKeeperOptions {
  /** Is told once about each repository that was looked at. */
  report?: ((kept: KeptSettings) => void) | undefined;
  /** Endpoint, region and credentials; by default from the environment. */
  client?: ECRClientConfig;
  now?: () => number;
}

/**
 * Keeps the settings of mirror repositories as mirror.yaml has them.
 *
 * A repository is looked at once an hour at most by each keeper, and one that is in line costs
 * three calls that read. The configuration can't change while a keeper lives: it is part of the
 * function's bundle.
 */
export class EcrSettingsKeeper {
  readonly #ecr: ECRClient;
  readonly #settings: RepositorySettings;
  readonly #report: (kept: KeptSettings) => void;
  readonly #now: () => number;
  readonly #looking = new Flights<KeptSettings>();
  /** Until when each repository is not looked at again, milliseconds since 1970. */
  readonly #knownUntil = new Map<string, number>();

  constructor(settings: RepositorySettings, options: EcrSettingsKeeperOptions = {}) {
    this.#settings = settings;
    this.#report = options.report ?? (() => {});
    this.#now = options.now ?? Date.now;
    this.#ecr = new ECRClient({ maxAttempts: 3, requestHandler: timeouts(5_000), ...options.client });
  }

  /**
   * Puts the settings of a repository right. Callers that ask at the same time share the work.
   *
   * It rejects only if the caller's signal aborts: what fails is part of the outcome.
   *
   * @returns what was done; undefined if it was done a short time ago
   */
  async keepInLine(
    repository: string,
    { fresh = false, dryRun = false, signal }: KeepOptions = {},
  ): Promise<KeptSettings | undefined> {
    if (!fresh && !dryRun && (this.#knownUntil.get(repository) ?? 0) > this.#now()) return undefined;
    return await this.#looking.join(
      `${dryRun ? 'plan' : 'keep'} ${repository}`,
      async (shared) => {
        const kept = await this.#keep(repository, dryRun, shared);
        if (!dryRun) this.#remember(kept);
        this.#report(kept);
        return kept;
      },
      signal,
    );
  }

  /** Makes sure that a repository is looked at the next time: it was created a moment ago. */
  forget(repository: string): void {
    this.#knownUntil.delete(repository);
  }

  close(): void {
    this.#ecr.destroy();
  }

  #remember({ repository, exists, failed }: KeptSettings): void {
    if (!exists) return;
    const mayHeal = failed.some(({ error }) => !(error instanceof DrayageError) || error.temporary);
    this.#knownUntil.set(repository, this.#now() + (mayHeal ? rememberFailureMs : rememberMs));
  }

  async #keep(repository: string, dryRun: boolean, shared: AbortSignal): Promise<KeptSettings> {
    const signal = AbortSignal.any([shared, AbortSignal.timeout(limitMs)]);
    const kept: KeptSettings = { repository, exists: true, changed: [], differs: [], failed: [] };
    try {
      const withTags = this.#settings.tags !== undefined;
      const read = await readSettings(this.#ecr, repository, { withTags, signal });
      if (read === undefined) return { ...kept, exists: false };
      const { found, failed } = read;
      kept.failed.push(...failed);
      const { changes, unchangeable } = compareSettings(found, this.#settings);
      kept.differs = unchangeable;
      // What could not be read looks as if it were absent.
      const unread = new Set<string>(failed.map(({ setting }) => setting));
      for (const change of changes.filter(({ setting }) => !unread.has(setting))) {
        const { setting } = change;
        try {
          const names = { repositoryName: repository, arn: found.arn };
          if (!dryRun) await changeSetting(this.#ecr, names, change, { signal });
          kept.changed.push(setting);
        } catch (error) {
          kept.failed.push({ setting, error });
        }
      }
    } catch (error) {
      kept.failed.push({ setting: 'all', error });
    }
    return kept;
  }
}
