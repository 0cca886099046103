import type { JobState } from '../../core/jobs/record.ts';
import { isFinished } from '../../core/jobs/record.ts';
import type { Job } from '../api/client.ts';
import { formatBytes } from '../shared/format.ts';
import { cellWidth } from '../terminal/cells.ts';
import { createLiveLines, type Room } from '../terminal/live-lines.ts';
import { type BarStream, drawBar } from '../terminal/progress-bar.ts';
import { jobDetail, stateText } from './detail.ts';

/** Shows how far jobs are that are being followed. */
export interface JobView {
  /** A job as the API has just returned it. */
  look(job: Job): void;
  /** A message, above whatever is drawn in place. */
  tell(line: string): void;
  /** Removes what is drawn in place, before something else is printed. */
  clear(): void;
  /** Draws it again. */
  draw(): void;
}

/** The widest bar, and the narrowest that is useful. */
const widestBar = 30;
const narrowestBar = 5;

/**
 * On a terminal a line for each job under way, redrawn in place, and one for all; elsewhere a line
 * for each change of a job's state.
 *
 * @param jobs all that are followed
 */
export function createJobView(stream: BarStream, jobs: readonly Job[]): JobView {
  return stream.isTTY ? drawnView(stream, jobs) : writtenView(stream);
}

/** Where a program reads and nobody watches. */
export const silentView: JobView = { look() {}, tell() {}, clear() {}, draw() {} };

function drawnView(stream: BarStream, jobs: readonly Job[]): JobView {
  const live = createLiveLines(stream);
  const latest = new Map(jobs.map((job) => [job.id, job]));
  const draw = () => {
    const colours = stream.hasColors?.() === true;
    live.draw((room) => drawJobs([...latest.values()], room, colours));
  };
  return {
    look(job) {
      latest.set(job.id, job);
      draw();
    },
    tell(line) {
      live.clear();
      stream.write(`${line}\n`);
      draw();
    },
    clear: () => live.clear(),
    draw,
  };
}

function writtenView(stream: BarStream): JobView {
  const told = new Map<string, string>();
  return {
    look(job) {
      // The end of a job is the result: it is printed elsewhere.
      if (isFinished(job)) return;
      const text = `${job.image}: ${stateText(job)}${reasonOf(job)}`;
      if (told.get(job.id) === text) return;
      told.set(job.id, text);
      stream.write(`${text}\n`);
    },
    tell: (line) => void stream.write(`${line}\n`),
    clear() {},
    draw() {},
  };
}

function reasonOf(job: Job): string {
  const why = job.state === 'waiting' ? jobDetail(job) : '';
  return why === '' ? '' : `: ${why}`;
}

/** The lines for jobs under way, those that copy first, as many as there is room for. */
export function drawJobs(jobs: readonly Job[], { columns, lines }: Room, colours: boolean): string[] {
  const open = jobs.filter((job) => !isFinished(job));
  if (open.length === 0) return [];
  const order: JobState[] = ['copying', 'waiting', 'queued'];
  const sorted = open.toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
  const shown = sorted.slice(0, Math.max(0, lines - 1));
  const name = Math.max(0, ...shown.map(({ image }) => cellWidth(image)));
  const counts = order
    .map((state) => [state, open.filter((job) => job.state === state).length] as const)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state}`);
  const all = `${jobs.length - open.length} of ${jobs.length} ended: ${counts.join(', ')}`;
  const rows = shown.map((job) => jobLine(job, job.image.padEnd(name), columns, colours));
  return jobs.length === 1 ? rows : [...rows, all.replace(/: /, ', ')];
}

function jobLine(job: Job, name: string, columns: number, colours: boolean): string {
  const { progress, state } = job;
  if (state !== 'copying' || progress === undefined) return `${name}  ${stateText(job)}${reasonOf(job)}`;
  const { bytes, totalBytes } = progress;
  const fraction = totalBytes === 0 ? 1 : Math.min(1, Math.max(0, bytes / totalBytes));
  const percent = `${Math.floor(fraction * 100)} %`.padStart(5);
  const end = `${percent}  ${formatBytes(bytes)} of ${formatBytes(totalBytes)}`;
  const cells = Math.min(widestBar, columns - cellWidth(name) - 2 - 2 - cellWidth(end));
  return cells < narrowestBar ? `${name}  ${end}` : `${name}  ${drawBar(fraction, cells, colours)}  ${end}`;
}
