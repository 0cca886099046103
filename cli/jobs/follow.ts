import { isFinished } from '../../core/jobs/record.ts';
import { type ApiAddress, DrayageApi, type Job } from '../api/client.ts';
import { followJobs } from '../api/follow-jobs.ts';
import { CommandError } from '../shared/command-error.ts';
import { counted } from '../shared/format.ts';
import { onInterrupt } from '../shared/interruption.ts';
import { outputLost } from '../shared/output.ts';
import { fittedLine } from '../terminal/digests.ts';
import { lineWidth } from '../terminal/wrap.ts';
import { jobDetail } from './detail.ts';
import { createJobView, type JobView, silentView } from './job-view.ts';

/** The options of commands that queue jobs. */
export interface FollowFlags {
  json?: boolean;
  /** False: leave the jobs alone once they are queued. */
  wait?: boolean;
  /** How long to follow them, seconds; absent: until they end. */
  timeout?: number;
}

const everyMs = 500;
/** The API may fail for this long: jobs take minutes, and a network can break in between. */
const patienceMs = 60_000;

/** How jobs ended, and what kept the command from following them to their end. */
interface Followed {
  jobs: Job[];
  stopped?: 'interrupted' | 'timeout';
}

/**
 * Follows jobs to their end, prints how each ended, and the result for programs. With `--no-wait`,
 * prints only what is queued.
 *
 * @param done says what the end of a job means, if the usual line is not enough
 * @throws CommandError if any failed or has not ended
 */
export async function followToEnd(
  address: ApiAddress,
  queued: readonly Job[],
  flags: FollowFlags,
  done: (job: Job) => string = jobLine,
): Promise<void> {
  if (flags.wait === false) {
    printQueued(queued, flags);
    return;
  }
  const isQuiet = flags.json === true && !process.stderr.isTTY;
  const view = isQuiet ? silentView : createJobView(process.stderr, queued);
  const { jobs, stopped } = await follow(address, queued, view, flags, (job) => {
    if (flags.json) return;
    view.clear();
    printLine(done(job));
    view.draw();
  });
  view.clear();
  if (flags.json) process.stdout.write(`${JSON.stringify({ jobs })}\n`);
  failUnless(jobs, stopped, flags);
}

async function follow(
  address: ApiAddress,
  queued: readonly Job[],
  view: JobView,
  { timeout }: FollowFlags,
  ended: (job: Job) => void,
): Promise<Followed> {
  const latest = new Map(queued.map((job) => [job.id, job]));
  const interrupted = new AbortController();
  const release = onInterrupt(() => interrupted.abort());
  const signal = AbortSignal.any([interrupted.signal, outputLost]);
  try {
    const jobs = await followJobs(
      new DrayageApi(address, signal),
      queued.map(({ id }) => id),
      {
        everyMs,
        withinMs: timeout === undefined ? Number.POSITIVE_INFINITY : timeout * 1_000,
        patienceMs,
        signal,
        onLook(job) {
          latest.set(job.id, job);
          view.look(job);
          if (isFinished(job)) ended(job);
        },
        onTrouble: ({ message }) => view.tell(`${message}; trying again for ${patienceMs / 1_000} s`),
      },
    );
    return jobs.every(isFinished) ? { jobs } : { jobs, stopped: 'timeout' };
  } catch (error) {
    view.clear();
    if (!interrupted.signal.aborted) throw error;
    return { jobs: [...latest.values()], stopped: 'interrupted' };
  } finally {
    release();
  }
}

function printQueued(jobs: readonly Job[], { json }: FollowFlags): void {
  if (json) process.stdout.write(`${JSON.stringify({ jobs })}\n`);
  else for (const { image, id, state } of jobs) printLine(`${image}  ${state}  job ${id}`);
}

/** How a job ended, in a line. */
export function jobLine(job: Job): string {
  const { image, state, digest, error } = job;
  const parts = state === 'failed' ? [error?.code ?? '', jobDetail(job)] : [digest ?? '', jobDetail(job)];
  return [image, state, ...parts].filter((part) => part !== '').join('  ');
}

/** A line on standard output that fits a terminal. */
export function printLine(line: string): void {
  process.stdout.write(`${fittedLine(line, lineWidth(process.stdout)).join('\n')}\n`);
}

function failUnless(jobs: readonly Job[], stopped: Followed['stopped'], { timeout }: FollowFlags): void {
  const failed = jobs.filter(({ state }) => state === 'failed');
  const open = jobs.filter((job) => !isFinished(job));
  if (failed.length === 0 && open.length === 0) return;
  const [only] = failed;
  if (only !== undefined && jobs.length === 1)
    throw new CommandError(
      `${only.image} failed: ${only.error?.message ?? 'no reason was given'}`,
      only.error?.remedy,
    );
  const problems = failed.map(
    ({ image, error }) => `\n  ${image}: ${error?.remedy ?? 'no reason was given'}`,
  );
  const failures =
    failed.length > 0
      ? [`${failed.length} of ${counted(jobs.length, 'image')} failed:${problems.join('')}`]
      : [];
  if (open.length === 0) throw new CommandError(failures.join(''), undefined);
  const why = stopped === 'interrupted' ? 'interrupted' : `not done within ${timeout} s`;
  const going = `${why}; ${open.length === 1 ? 'the job goes' : `${open.length} jobs go`} on`;
  const [first] = open;
  throw new CommandError(
    [...failures, going].join('\n'),
    open.length === 1
      ? `see how it ends: drayage jobs ${first?.id} --watch`
      : 'see how they end: drayage jobs --watch',
  );
}
