import type { Failure } from '../copy/explain.ts';
import { counted, formatBytes, formatUsd } from '../shared/format.ts';
import { formatTable } from '../terminal/table.ts';
import type { RequestCounts } from './count-requests.ts';

/** How many tags there are, by how they compare with the mirror's. */
export interface TagCounts {
  /** All that the upstream lists. */
  listed: number;
  /** Those that the rule selects: the sum of the following. */
  selected: number;
  /** They point to the same image in the mirror. */
  equal: number;
  /** They point to another image in the mirror. */
  changed: number;
  /** The mirror does not have them. */
  missing: number;
  /** They could not be read, and count for nothing else. */
  failed: number;
}

/** What images need, and what of it is there. */
export interface PlanSizes {
  tags: TagCounts;
  /** Different images that the tags point to. */
  images: number;
  /** Bytes of blobs and manifests, each once. */
  sizeBytes: number;
  presentBytes: number;
  missingBytes: number;
  /** What storing all of them costs, USD. */
  monthlyUsd: number;
}

/** What would be mirrored of a repository. */
export interface PlannedRepository extends PlanSizes {
  repository: string;
  mirrorRepository: string;
  /** The pattern of the rule that selects its tags. */
  rule: string;
}

/** What `drayage plan --json` prints. */
export interface PlanReport {
  /** Where everything is below: `registry/prefix`; absent: there was none to compare with. */
  to?: string;
  regions: string[];
  repositories: PlannedRepository[];
  totals: PlanSizes & {
    /** If repositories do not share blobs, each stores its own. */
    separate: { sizeBytes: number; monthlyUsd: number };
  };
  /** What was asked of the upstreams. */
  requests: RequestCounts[];
  /** Images, repositories and rules that could not be read. */
  failures: { image: string; error: Failure }[];
  /** Images that were not tried, since others before them failed for a reason that they share. */
  skipped: number;
  notes: string[];
  durationMs: number;
}

const heading = ['REPOSITORY', 'TAGS', 'NEW', 'CHANGED', 'SIZE', 'TO COPY', 'A MONTH'];
/** Columns that a narrow terminal leaves out. */
const leaveOut = [3, 2];

/** The report for people: a line for each repository, and what all of them come to. */
export function formatPlanReport(report: PlanReport, width: number): string {
  const { repositories, totals, requests, notes, to } = report;
  const rows = repositories.map((each) => [
    each.repository,
    `${each.tags.selected} of ${each.tags.listed}`,
    String(each.tags.missing),
    String(each.tags.changed),
    formatBytes(each.sizeBytes),
    formatBytes(each.missingBytes),
    formatUsd(each.monthlyUsd),
  ]);
  const table = formatTable([heading, ...rows], { align: 'lrrrrrr', leaveOut, width });
  const { tags, images, sizeBytes, presentBytes, missingBytes } = totals;
  const names = repositories.length === 1 ? '1 repository' : `${repositories.length} repositories`;
  return [
    ...(repositories.length > 0 ? [...table, ''] : []),
    ...notes.map((note) => `note: ${note}`),
    `${names}, ${counted(tags.selected, 'tag')}, ${counted(images, 'image')}: ${formatBytes(sizeBytes)}, each layer once`,
    to === undefined
      ? 'there is no mirror to compare with: everything counts as missing'
      : `${to} has ${formatBytes(presentBytes)} of it; ${formatBytes(missingBytes)} would be copied`,
    costOf(report),
    ...requests.map(
      ({ registry, manifests, heads, others }) =>
        `asked ${registry}: ${counted(manifests, 'manifest')}, ${heads} HEAD, ${counted(others, 'other request')}`,
    ),
    '',
  ].join('\n');
}

function costOf({ regions, totals: { monthlyUsd, separate } }: PlanReport): string {
  const each = regions.length > 1 ? ` in each of ${regions.length} regions` : '';
  const more =
    formatUsd(separate.monthlyUsd) === formatUsd(monthlyUsd)
      ? ''
      : `; ${formatUsd(separate.monthlyUsd)} if repositories do not share layers`;
  return `storage at Amazon ECR's list price: ${formatUsd(monthlyUsd)} a month${each}${more}`;
}
