import type { PastMapping } from '../../core/mapping/history.ts';
import { dateAndClock } from '../shared/format.ts';
import { formatTable } from '../terminal/table.ts';
import { lineWidth } from '../terminal/wrap.ts';

/** A tag's history as a table with a heading, the newest first, within the width of a terminal. */
export function historyTable(
  entries: readonly PastMapping[],
  stream: Pick<NodeJS.WriteStream, 'isTTY' | 'columns'>,
): string[] {
  const rows = entries.map((entry) => [
    entry.digest,
    dateAndClock(new Date(entry.mirroredAt)),
    entry.replacedAt === undefined ? '' : dateAndClock(new Date(entry.replacedAt)),
    noteOf(entry),
  ]);
  return formatTable([['DIGEST', 'MIRRORED', 'UNTIL', 'NOTE'], ...rows], { width: lineWidth(stream) });
}

function noteOf({ current, pin, removed }: PastMapping): string {
  const notes = [
    ...(current && removed === undefined ? ['current'] : []),
    ...(pin ? ['pinned'] : []),
    ...(removed === undefined ? [] : [removedBy(removed.reason)]),
  ];
  return notes.join(', ');
}

function removedBy(reason: string): string {
  return reason === 'deleted_upstream' ? 'deleted upstream' : `${reason} in the mirror`;
}
