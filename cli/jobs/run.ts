import type { JobState } from '../../core/jobs/record.ts';
import { apiAddress } from '../api/address.ts';
import { DrayageApi, type Job } from '../api/client.ts';
import type { ApiFlags } from '../shared/api-command.ts';
import { UsageError } from '../shared/usage-error.ts';
import { describeJob, jobsTable } from './describe.ts';
import { followToEnd } from './follow.ts';
import { readJobs } from './read-jobs.ts';
import { watchJobs } from './watch.ts';

/** The options of `drayage jobs`. */
export interface JobsFlags extends ApiFlags {
  state?: JobState[];
  image?: string;
  limit: number;
  watch: boolean;
}

/** `drayage jobs`: a list, one job, or either while it changes. */
export async function runJobs(id: string | undefined, flags: JobsFlags): Promise<void> {
  const { json, state: states, image, limit, watch } = flags;
  const address = apiAddress(flags);
  if (id !== undefined) {
    if (states !== undefined || image !== undefined)
      throw new UsageError('--state and --image choose jobs of a list: leave them out with a job’s id');
    const api = new DrayageApi(address);
    const job = await api.job(id);
    if (watch) await followToEnd(address, [job], { json: json === true });
    else
      process.stdout.write(
        json ? `${JSON.stringify(job)}\n` : `${describeJob(job, process.stdout).join('\n')}\n`,
      );
    return;
  }
  const wanted = { states, image, limit };
  if (watch) {
    await watchJobs((signal) => readJobs(new DrayageApi(address, signal), wanted), { json: json === true });
    return;
  }
  const jobs = await readJobs(new DrayageApi(address), wanted);
  if (json) process.stdout.write(`${JSON.stringify({ jobs })}\n`);
  else printTable(jobs);
}

function printTable(jobs: readonly Job[]): void {
  if (jobs.length === 0) process.stderr.write('no such jobs; jobs are kept for 30 days\n');
  else process.stdout.write(`${jobsTable(jobs, process.stdout).join('\n')}\n`);
}
