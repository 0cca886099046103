import type { ReconcileStatus, Status, UpstreamStatus } from '../../lambda/api/status.ts';
import { jobDetail, stateText } from '../jobs/detail.ts';
import { clockOrDate, counted, formatAge, formatDuration } from '../shared/format.ts';
import { formatTable } from '../terminal/table.ts';
import { lineWidth, proseWidth, wrapped } from '../terminal/wrap.ts';
import { adviceFor } from '../webhooks/describe.ts';

/** A status as lines for people, within the width of a terminal. */
export function describeStatus(
  status: Status,
  api: string,
  stream: Pick<NodeJS.WriteStream, 'isTTY' | 'columns'>,
  now: Date = new Date(),
): string[] {
  const { version, regions, registries, jobs, upstreams } = status;
  const rows: [string, string][] = [
    ...regions.map((region): [string, string] => [
      'mirror',
      `${region}  ${registries[region] ?? 'nothing was mirrored there yet'}`,
    ]),
    ['jobs', jobsText(jobs, now)],
    ...oldestRow(jobs, now),
  ];
  const width = proseWidth(stream);
  const heading = ['UPSTREAM', 'WEBHOOK', 'LAST EVENT', 'LAG', 'NOTE'];
  const table = formatTable([heading, ...upstreams.flatMap((each) => upstreamRows(each, now))], {
    width: lineWidth(stream),
  });
  return [
    `Drayage ${version} at ${api}`,
    ...rows.flatMap(([label, text]) => wrapped(`  ${label.padEnd(9)} `, text, width)),
    ...(upstreams.length === 0 ? [] : ['', ...table]),
    ...reconcileLines(upstreams, { width: lineWidth(stream), now }),
  ];
}

/** How the upstreams are compared with the mirror; nothing from a deployment that does not tell. */
function reconcileLines(upstreams: UpstreamStatus[], { width, now }: { width: number; now: Date }): string[] {
  const told = upstreams.filter(({ reconcile }: Partial<UpstreamStatus>) => reconcile !== undefined);
  if (told.length === 0) return [];
  const heading = ['UPSTREAM', 'REPOSITORIES', 'COMPARED', 'NEXT', 'NOTE'];
  const rows = told.map(({ registry, reconcile }) => [
    registry,
    `${reconcile.repositories ?? ''}`,
    reconcile.finishedAt === undefined ? 'not yet' : formatAge(reconcile.finishedAt, now.getTime()),
    nextText(reconcile, now),
    failingText(reconcile),
  ]);
  return ['', ...formatTable([heading, ...rows], { width, align: 'lrlll' })];
}

function nextText({ isSearchDue, due, nextDueAt, complete }: ReconcileStatus, now: Date): string {
  if (due > 0) return `${due}${complete ? '' : '+'} due`;
  if (isSearchDue) return 'due';
  return nextDueAt === undefined ? 'on request' : clockOrDate(new Date(nextDueAt), now);
}

function failingText({ failing, complete }: ReconcileStatus): string {
  const [first, ...more] = failing;
  if (first === undefined) return '';
  const others = more.length > 0 ? ` and ${more.length}${complete ? '' : '+'} more` : '';
  return `${first.repository}${others} failed: ${first.error.message}`;
}

function jobsText(
  { queued, waiting, planned, copying, failed, complete }: Status['jobs'],
  now: Date,
): string {
  const hours = Math.round((now.getTime() - Date.parse(failed.since)) / 3_600_000);
  const since = hours >= 24 ? 'in the last day' : `since ${clockOrDate(new Date(failed.since), now)}`;
  const open = `${copying} copying, ${queued} queued, ${waiting} waiting${planned > 0 ? ` (${planned} for a planned check)` : ''}`;
  const why = failed.count > 0 ? ': drayage jobs --state failed' : '';
  return `${complete ? '' : 'at least '}${open}; ${failed.count} failed ${since}${why}`;
}

function oldestRow({ oldestWaiting: job, waiting, planned }: Status['jobs'], now: Date): [string, string][] {
  if (job === undefined) return [];
  const why = jobDetail(job);
  const since = formatAge(job.receivedAt, now.getTime());
  const tried = waiting - planned;
  const which = tried > 1 ? `the oldest of ${counted(tried, 'job')}: ` : '';
  return [
    ['waiting', `${which}${job.image}, received ${since}, ${stateText(job)}${why === '' ? '' : `: ${why}`}`],
  ];
}

/** Why an upstream is not asked, if it is not. */
function closedText({ closedUntil, down }: UpstreamStatus, now: Date): string[] {
  const until = closedUntil === undefined ? undefined : clockOrDate(new Date(closedUntil), now);
  if (down !== undefined) {
    const again = until === undefined ? '' : `, next try at ${until}`;
    return [`has not answered since ${clockOrDate(new Date(down.since), now)}${again}: ${down.reason}`];
  }
  return until === undefined ? [] : [`rate-limited until ${until}`];
}

/** How long it takes from a webhook to the mapping: usually, and at most. */
export function lagText({ lag }: Pick<UpstreamStatus, 'lag'>): string {
  return lag === undefined ? '' : `${formatDuration(lag.medianMs)}, max ${formatDuration(lag.maxMs)}`;
}

function upstreamRows(upstream: UpstreamStatus, now: Date): string[][] {
  const { registry, webhooks } = upstream;
  const lag = lagText(upstream);
  const closed = closedText(upstream, now);
  if (webhooks.length === 0) return [[registry, 'none', '', lag, closed.join()]];
  return webhooks.map(({ name, deliveredAt, refusedAt, refusedFor }, index) => {
    const isRefused = refusedAt !== undefined && (deliveredAt === undefined || refusedAt > deliveredAt);
    const notes = [
      ...(index === 0 ? closed : []),
      ...(isRefused ? [refusal(refusedFor, refusedAt, now)] : []),
    ];
    return [
      index === 0 ? registry : '',
      name,
      deliveredAt === undefined ? 'none yet' : formatAge(deliveredAt, now.getTime()),
      index === 0 ? lag : '',
      notes.join('; '),
    ];
  });
}

function refusal(reason = '', at: string, now: Date): string {
  const code = /^\w+/.exec(reason)?.[0] ?? '';
  const advice = adviceFor(code);
  return `refused ${formatAge(at, now.getTime())}: ${code}${advice === undefined ? '' : `: ${advice}`}`;
}
