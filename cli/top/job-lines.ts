import type { Job } from '../api/client.ts';
import { clockOrDate, formatAge, formatBytes } from '../shared/format.ts';
import { cellWidth } from '../terminal/cells.ts';
import { drawBar } from '../terminal/progress-bar.ts';
import { type Columns, inColumns } from './columns.ts';
import type { Frame, Section } from './layout.ts';
import type { TopState } from './state.ts';

/** The widest bar, and the narrowest that is useful. */
const widestBar = 30;
const narrowestBar = 5;
/** What is kept free for bars, and from which width on. */
const barRoom = 12;
const roomyWidth = 56;

/** The jobs that copy, with bars. */
export function copyingLines({ reading, rates }: TopState, size: Frame): Section {
  const { columns, colours, paint } = size;
  const jobs = reading?.copying ?? [];
  const rows = jobs.map((job) => [job.image, ...progressTexts(job, rates.get(job.id))]);
  const width = columns < roomyWidth ? columns : columns - barRoom;
  const plain: Columns = { width, paint, leaveOut: [3, 2] };
  const longest = Math.max(0, ...inColumns(rows, plain).map(cellWidth));
  const cells = Math.min(widestBar, columns - longest - 2);
  const lines = inColumns(rows, plain).map((line, index) => {
    const bar = barOf(jobs[index], cells, colours);
    return bar === undefined ? line : `${line.padEnd(line.length + longest - cellWidth(line))}  ${bar}`;
  });
  return { title: 'COPYING', lines, all: Math.max(jobs.length, reading?.status.jobs.copying ?? 0) };
}

function progressTexts({ progress }: Job, rate: number | undefined): [string, string, string] {
  if (progress === undefined) return ['     ', 'resolving', ''];
  const { bytes, totalBytes } = progress;
  return [
    `${Math.floor(fractionOf(progress) * 100)} %`.padStart(5),
    `${formatBytes(bytes)} of ${formatBytes(totalBytes)}`,
    rate === undefined ? '' : `${formatBytes(rate)}/s`,
  ];
}

function barOf(job: Job | undefined, cells: number, colours: boolean): string | undefined {
  if (job?.progress === undefined || cells < narrowestBar) return undefined;
  return drawBar(fractionOf(job.progress), cells, colours);
}

function fractionOf({ bytes, totalBytes }: NonNullable<Job['progress']>): number {
  return totalBytes === 0 ? 1 : Math.min(1, Math.max(0, bytes / totalBytes));
}

/** The jobs that wait: until when, and why. Those that have been tried come first. */
export function waitingLines({ reading }: TopState, { columns, now, paint }: Frame): Section {
  const jobs = (reading?.waiting ?? []).toSorted(
    (a, b) =>
      Number(a.error === undefined) - Number(b.error === undefined) ||
      (a.notBefore ?? '').localeCompare(b.notBefore ?? ''),
  );
  const rows = jobs.map((job) => [
    job.image,
    job.notBefore === undefined ? '' : `until ${clockOrDate(new Date(job.notBefore), now)}`,
    job.error === undefined ? 'a planned check' : reasonOf(job.error),
  ]);
  const lines = inColumns(rows, { width: columns, paint });
  return { title: 'WAITING', lines, all: Math.max(jobs.length, reading?.status.jobs.waiting ?? 0) };
}

/** The latest failures. */
export function failedLines({ reading }: TopState, { columns, now, paint }: Frame): Section {
  const jobs = reading?.failed ?? [];
  const rows = jobs.map((job) => [
    { text: job.image, style: 'red' as const },
    formatAge(job.finishedAt ?? job.receivedAt, now.getTime()),
    job.error === undefined ? '' : reasonOf(job.error),
  ]);
  const lines = inColumns(rows, { width: columns, paint });
  return { title: 'FAILED', lines, all: jobs.length };
}

function reasonOf({ code, message }: NonNullable<Job['error']>): string {
  return `${code}: ${message}`;
}
