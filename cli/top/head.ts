import { clock, clockOrDate, counted, formatBytes } from '../shared/format.ts';
import { cellWidth } from '../terminal/cells.ts';
import { cutEnd } from './columns.ts';
import type { Frame } from './layout.ts';
import type { TopState } from './state.ts';

/** The top: which deployment, what is wrong, how many jobs, what was mirrored today. */
export function headLines(state: TopState, { columns, now, paint }: Frame): string[] {
  const { api, reading, readAt, trouble } = state;
  const version = reading === undefined ? '' : ` ${reading.status.version}`;
  const time = readAt === undefined ? '' : clock(new Date(readAt));
  const name = cutEnd(`Drayage${version} at ${api}`, Math.max(0, columns - cellWidth(time) - 2));
  const space = ' '.repeat(Math.max(0, columns - cellWidth(name) - cellWidth(time)));
  const lines = [`${paint('bold', name)}${space}${time}`];
  if (trouble !== undefined) lines.push(paint('red', cutEnd(troubleText(trouble, columns), columns)));
  else if (reading === undefined) lines.push('loading …');
  if (reading === undefined) return lines;
  lines.push(cutEnd(jobsText(state, now), columns));
  const savings = savingsText(state);
  if (savings !== '') lines.push(cutEnd(savings, columns));
  return lines;
}

/** The time comes first where the message is cut. */
function troubleText({ message, retryAt }: NonNullable<TopState['trouble']>, columns: number): string {
  const again = `trying again at ${clock(new Date(retryAt))}`;
  const whole = `${message}; ${again}`;
  return cellWidth(whole) <= columns ? whole : `${again}: ${message}`;
}

function jobsText({ reading, rates }: TopState, now: Date): string {
  if (reading === undefined) return '';
  const { copying, queued, waiting, planned, failed, complete } = reading.status.jobs;
  const speed = [...rates.values()].reduce((sum, rate) => sum + rate, 0);
  const open = [
    `${copying} copying${rates.size > 0 ? ` at ${formatBytes(speed)}/s` : ''}`,
    `${queued} queued`,
    `${waiting} waiting${planned > 0 ? ` (${planned} for a planned check)` : ''}`,
    `${failed.count} failed since ${clockOrDate(new Date(failed.since), now)}`,
  ];
  return `${complete ? '' : 'at least '}${open.join(', ')}`;
}

function savingsText({ reading }: TopState): string {
  if (reading?.savings === undefined) return '';
  const { images, copied, mounted, present } = reading.savings;
  const all = copied.bytes + mounted.bytes + present.bytes;
  const saved = Math.floor(((mounted.bytes + present.bytes) / Math.max(1, all)) * 100);
  const amounts = `${formatBytes(copied.bytes)} copied, ${formatBytes(mounted.bytes)} mounted, ${formatBytes(present.bytes)} present`;
  return `today ${counted(images, 'image')}${images > 0 ? `: ${saved} % saved, ${amounts}` : ''}`;
}
