import type { LossReason } from '../../registry-events/ports.ts';
import type { SettingName } from '../../repository-settings/settings.ts';
import type { Difference } from '../differences.ts';
import type { RoundError } from '../round.ts';

/** An upstream, or one of its repositories. */
export interface Scope {
  registry: string;
  /** Absent: all that the registry's rules cover. */
  repository?: string;
}

/** Something that a comparison would do. */
export type WouldDo =
  /** The tag would be queued, since it differs. */
  | { action: 'queue'; repository: string; tag: string; why: Difference['why'] }
  /** The mapping would be removed: the upstream no longer has the tag. */
  | { action: 'unmap'; repository: string; tag: string; why: 'deleted_upstream' }
  /** The mirror has lost the image: its mapping would be removed, and the tag queued. */
  | { action: 'mend'; repository: string; tag: string; why: LossReason }
  /** A setting of the mirror repository would be put right. */
  | { action: 'set'; repository: string; why: SettingName };

/** How many things of each kind a comparison would do. */
export type WouldDoCounts = Record<WouldDo['action'], number>;

/** A comparison that changes nothing. Times are ISO 8601. */
export interface DryRun extends Scope {
  begunAt: string;
  /** Absent: it is under way. */
  finishedAt?: string;
  /** How many repositories there are to compare, and how many are compared. */
  repositories: number;
  compared: number;
  counts: WouldDoCounts;
  /** What would be done, the first of it. */
  wouldDo: WouldDo[];
  /** Repositories that could not be compared, the first of them. */
  failed: (RoundError & { repository: string })[];
  /** Why not everything was compared. */
  error?: RoundError;
}

/** So much is listed at most: a report is one item of the table, of 400 KB at most. */
export const mostListed = 500;
export const mostFailures = 50;

/** A report without any content yet. */
export function emptyReport(scope: Scope, begunAt: Date): DryRun {
  return {
    ...scope,
    begunAt: begunAt.toISOString(),
    repositories: 0,
    compared: 0,
    counts: { queue: 0, unmap: 0, mend: 0, set: 0 },
    wouldDo: [],
    failed: [],
  };
}

/** Adds what one repository needs. */
export function addToReport(report: DryRun, wouldDo: readonly WouldDo[]): void {
  report.compared += 1;
  for (const { action } of wouldDo) report.counts[action] += 1;
  report.wouldDo.push(...wouldDo.slice(0, Math.max(0, mostListed - report.wouldDo.length)));
}
