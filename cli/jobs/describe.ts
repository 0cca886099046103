import { styleText } from 'node:util';
import type { JobState } from '../../core/jobs/record.ts';
import type { Job } from '../api/client.ts';
import { formatAge, formatBytes, formatDuration } from '../shared/format.ts';
import { type Cell, formatTable, type Paint, type Style } from '../terminal/table.ts';
import { lineWidth, proseWidth, wrapped } from '../terminal/wrap.ts';
import { jobDetail, stateText } from './detail.ts';

/** Where jobs are printed. */
type Stream = Pick<NodeJS.WriteStream, 'isTTY' | 'columns'> & { hasColors?(): boolean };

const styles: Partial<Record<JobState, Style>> = {
  committed: 'green',
  satisfied: 'dim',
  superseded: 'dim',
  copying: 'cyan',
  failed: 'red',
};

/** Jobs as a table with a heading, within the width of a terminal. */
export function jobsTable(jobs: readonly Job[], stream: Stream, now: number = Date.now()): string[] {
  const heading: Cell[] = ['JOB', 'IMAGE', 'STATE', 'TRIGGER', 'RECEIVED', 'DETAIL'];
  const rows = jobs.map((job): Cell[] => [
    job.id,
    job.image,
    stateCell(job),
    job.trigger,
    formatAge(job.receivedAt, now),
    job.state === 'copying' ? progressText(job) : jobDetail(job),
  ]);
  const colours = stream.isTTY && stream.hasColors?.() === true;
  const paint: Paint = (style, text) => styleText(style, text, { validateStream: false });
  const width = lineWidth(stream);
  return formatTable([heading, ...rows], { width, leaveOut: [3, 0], ...(colours && { paint }) });
}

function stateCell(job: Job): Cell {
  const text = stateText(job);
  const style = styles[job.state];
  return style === undefined ? text : { text, style };
}

function progressText({ progress }: Job): string {
  return progress === undefined
    ? ''
    : `${formatBytes(progress.bytes)} of ${formatBytes(progress.totalBytes)}`;
}

/** Everything that is known of a job, as a block of lines. */
export function describeJob(job: Job, stream: Stream): string[] {
  const { id, image, digest, trigger, receivedAt, startedAt, finishedAt, attempts, error, lagMs } = job;
  const detail = job.state === 'copying' ? progressText(job) : jobDetail(job);
  const rows: [string, string | undefined][] = [
    ['state', stateText(job)],
    ['detail', detail === '' ? undefined : detail],
    ['remedy', error?.remedy],
    [
      'error',
      error && `${error.code}, on the side of ${error.side === 'drayage' ? 'Drayage' : `the ${error.side}`}`,
    ],
    ['digest', digest],
    ['trigger', trigger],
    ['received', receivedAt],
    ['started', startedAt && `${startedAt}, attempt ${attempts}`],
    ['finished', finishedAt],
    ['took', lagMs === undefined ? undefined : `${formatDuration(lagMs)} from the event to the mapping`],
    ['referrers', job.referrers && referrersText(job.referrers)],
  ];
  const width = proseWidth(stream);
  return [
    `${image}: job ${id}`,
    ...rows.flatMap(([label, text]) =>
      text === undefined ? [] : wrapped(`  ${label.padEnd(10)}`, text, width),
    ),
  ];
}

function referrersText({ copied, missing }: NonNullable<Job['referrers']>): string {
  const lost = missing.map(({ digest, reason }) => `${digest}: ${reason}`);
  return [
    `${copied} copied`,
    ...(lost.length > 0 ? [`${lost.length} missing: ${lost.join('; ')}`] : []),
  ].join(', ');
}
