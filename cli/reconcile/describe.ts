import type { DryRun, WouldDo } from '../../core/reconcile/dry-run/report.ts';
import type { ReconcileState } from '../../lambda/api/reconcile.ts';
import type { ReconcileStatus } from '../../lambda/api/status.ts';
import { counted } from '../shared/format.ts';
import { formatTable } from '../terminal/table.ts';
import { scopeName } from './follow.ts';

const actions: Record<WouldDo['action'], string> = {
  queue: 'queue',
  unmap: 'unmap',
  mend: 'unmap, queue',
  set: 'correct',
};

const reasons: Record<Exclude<WouldDo, { action: 'set' }>['why'], string> = {
  missing: 'it is not mirrored yet',
  moved: 'it has moved upstream',
  strayed: 'the mirror’s tag was moved by somebody else',
  rule: 'it was mirrored by another rule, or to another place',
  untold: 'the upstream does not say what its digest is',
  deleted_upstream: 'the upstream no longer has it',
  deleted: 'the mirror has lost the image',
  archived: 'the mirror has archived the image',
  untagged: 'the mirror has lost the tag',
};

/** What a dry run found, in lines that fit. */
export function describeDryRun(dryRun: DryRun, width: number): string[] {
  const { registry, counts, wouldDo, failed } = dryRun;
  const all = counts.queue + counts.unmap + counts.mend + counts.set;
  const more = all - wouldDo.length;
  const rows = wouldDo.map((each) => [
    each.action === 'set' ? `${registry}/${each.repository}` : `${registry}/${each.repository}:${each.tag}`,
    actions[each.action],
    each.action === 'set' ? `the setting ${each.why} differs` : reasons[each.why],
  ]);
  return [
    `${scopeName(dryRun)}: ${summaryText(dryRun)}`,
    ...(rows.length === 0 ? [] : formatTable([['IMAGE', 'WOULD', 'WHY'], ...rows], { width })),
    ...(more > 0 ? [`and ${more} more`] : []),
    ...failed.map(
      ({ repository, message }) =>
        `${registry}${repository === '' ? '' : `/${repository}`} could not be compared: ${message}`,
    ),
  ];
}

function summaryText({ compared, counts, failed }: DryRun): string {
  const repositories = `${counted(compared - failed.filter(({ repository }) => repository !== '').length, 'repository', 'repositories')} compared`;
  const parts = [
    [counts.queue, 'would be queued'],
    [counts.unmap, 'would be unmapped'],
    [counts.mend, 'would be unmapped and queued'],
    [counts.set, counts.set === 1 ? 'setting would be corrected' : 'settings would be corrected'],
  ].flatMap(([count, text]) => (count === 0 ? [] : [`${count} ${text}`]));
  return [repositories, ...(parts.length === 0 ? ['nothing would be done'] : parts)].join(', ');
}

/** What became of the comparison of a repository, in a line. */
export function describeRound(state: ReconcileState): string {
  const { tags = 0, selected = 0, queued = 0, unmapped = 0 } = state.round?.found ?? {};
  const gone = unmapped > 0 ? `, ${unmapped} unmapped` : '';
  return `${scopeName(state)}  compared: ${counted(tags, 'tag')}, ${selected} selected, ${queued} queued${gone}`;
}

/** A list that failed, or that a registry does not offer. */
function describeUnlisted({ temporary }: NonNullable<ReconcileStatus['unlisted']>): string {
  return temporary ? 'could not list its repositories' : 'does not list its repositories';
}

/** What became of the comparison of everything that an upstream's rules cover, in lines. */
export function describeUpstream(
  registry: string,
  { repositories = 0, failing, unlisted, complete }: ReconcileStatus,
): string[] {
  const except = failing.length === 0 ? '' : `, except ${complete ? '' : 'at least '}${failing.length}`;
  return [
    `${registry}  compared: ${counted(repositories, 'repository', 'repositories')}${except}`,
    ...(unlisted ? [`${registry} ${describeUnlisted(unlisted)}: ${unlisted.message}`] : []),
    ...failing.map(
      ({ repository, error }) => `${registry}/${repository} could not be compared: ${error.message}`,
    ),
  ];
}
