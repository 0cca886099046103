import type { CallOptions } from '../../copy/ports.ts';
import type { KeptSettings } from '../../repository-settings/settings.ts';
import type { ReconcileDependencies } from '../ports.ts';
import type { DryRun, Scope } from './report.ts';

/** A dry run that somebody has asked for. */
export interface AskedDryRun extends Scope {
  /** ISO 8601. */
  askedAt: string;
}

/** Dry runs that are asked for, and their reports: for each scope the latest one. */
export interface DryRunStore {
  /** Asks for a dry run. The report of the one before is forgotten. */
  ask(asked: AskedDryRun): Promise<void>;
  /**
   * Takes one that nobody works on; others leave it alone for a while. What several have taken
   * without an end is given up.
   */
  take(now: Date): Promise<AskedDryRun | undefined>;
  /** Records what is found so far. */
  save(report: DryRun): Promise<void>;
  /** It is done, unless somebody has asked again meanwhile. */
  done(asked: AskedDryRun): Promise<void>;
  read(scope: Scope): Promise<DryRun | undefined>;
  /** Whether one is asked for and not done. */
  isAsked(scope: Scope): Promise<boolean>;
}

/**
 * What a dry run works with: nothing of it changes anything, except that workers learn of outages.
 */
export interface DryRunDependencies
  extends Pick<
    ReconcileDependencies,
    | 'config'
    | 'mappings'
    | 'jobs'
    | 'images'
    | 'upstreams'
    | 'gate'
    | 'mirrorTags'
    | 'mirrorRepositories'
    | 'now'
    | 'warn'
  > {
  dryRuns: DryRunStore;
  /** Tells what would be changed of a mirror repository's settings. */
  planSettings: (repository: string, options: CallOptions) => Promise<KeptSettings | undefined>;
}
