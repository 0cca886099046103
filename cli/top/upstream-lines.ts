import type { UpstreamStatus } from '../../lambda/api/status.ts';
import { clockOrDate, formatAge } from '../shared/format.ts';
import { lagText } from '../status/describe.ts';
import type { Cell } from '../terminal/table.ts';
import { inColumns } from './columns.ts';
import type { Frame, Section } from './layout.ts';
import type { TopState } from './state.ts';

/** The upstreams: whether they are asked, when a webhook was heard, the lag, comparisons. */
export function upstreamLines({ reading }: TopState, { columns, now, paint }: Frame): Section {
  const upstreams = (reading?.status.upstreams ?? []).toSorted(
    (a, b) => Number(stateOf(a) === 'open') - Number(stateOf(b) === 'open'),
  );
  const rows = upstreams.map((upstream): Cell[] => [
    upstream.registry,
    stateCell(upstream, now),
    heardText(upstream, now),
    upstream.lag === undefined ? '' : `lag ${lagText(upstream)}`,
    comparedText(upstream),
  ]);
  const lines = inColumns(rows, { width: columns, paint, leaveOut: [4, 3] });
  return { title: 'UPSTREAMS', lines, all: upstreams.length };
}

/** Whether an upstream is asked. */
export function stateOf({ down, closedUntil }: UpstreamStatus): 'open' | 'closed' | 'down' {
  if (down !== undefined) return 'down';
  return closedUntil === undefined ? 'open' : 'closed';
}

function stateCell(upstream: UpstreamStatus, now: Date): Cell {
  const { down, closedUntil } = upstream;
  const state = stateOf(upstream);
  if (state === 'open') return { text: 'open', style: 'green' };
  const since = down === undefined ? '' : ` since ${clockOrDate(new Date(down.since), now)}`;
  const until = closedUntil === undefined ? '' : ` until ${clockOrDate(new Date(closedUntil), now)}`;
  return { text: `${state}${down === undefined ? until : since}`, style: 'red' };
}

/** When the latest event of any of its webhooks came, ISO 8601. */
export function heardAt({ webhooks = [] }: Partial<Pick<UpstreamStatus, 'webhooks'>>): string | undefined {
  return webhooks
    .flatMap(({ deliveredAt }) => deliveredAt ?? [])
    .sort()
    .at(-1);
}

function heardText(upstream: UpstreamStatus, now: Date): string {
  if ((upstream.webhooks ?? []).length === 0) return 'no webhook';
  const at = heardAt(upstream);
  return at === undefined ? 'no event yet' : `event ${formatAge(at, now.getTime())}`;
}

function comparedText({ reconcile, down }: Partial<UpstreamStatus>): string {
  if (down !== undefined) return down.reason;
  const [first] = reconcile?.failing ?? [];
  if (first !== undefined) return `${first.repository} can’t be compared: ${first.error.message}`;
  return reconcile?.repositories === undefined ? '' : `${reconcile.repositories} repositories`;
}
