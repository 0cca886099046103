import { parseReference } from '../../core/oci/reference.ts';
import { apiAddress } from '../api/address.ts';
import { DrayageApi, type Job, type Redrive, type SkippedJob } from '../api/client.ts';
import { type FollowFlags, followToEnd } from '../jobs/follow.ts';
import type { ApiFlags } from '../shared/api-command.ts';
import { counted } from '../shared/format.ts';

/** The options of `drayage redrive`. */
export interface RedriveFlags extends ApiFlags, FollowFlags, Omit<Redrive, 'cursor'> {}

/** Skipped jobs that are listed one by one. */
const mostListed = 20;

/** `drayage redrive`: tries jobs again, page by page, and follows them. */
export async function runRedrive(flags: RedriveFlags): Promise<void> {
  const address = apiAddress(flags);
  if (flags.image !== undefined) tellReading(flags.image);
  const { jobs, skipped } = await redriveAll(new DrayageApi(address), flags);
  tellSkipped(skipped);
  if (jobs.length > 0) await followToEnd(address, jobs, flags);
  else if (flags.json) process.stdout.write(`${JSON.stringify({ jobs })}\n`);
  else process.stderr.write(`no ${flags.state} jobs to try again\n`);
}

/** Tells what a short name stands for: a name without a registry is one of Docker Hub's. */
function tellReading(image: string): void {
  const { registry, repository } = parseReference(image);
  const name = `${registry}/${repository}`;
  if (!image.startsWith(name)) process.stderr.write(`--image ${image} was read as ${name}\n`);
}

async function redriveAll(
  api: DrayageApi,
  { state, image, since, until }: RedriveFlags,
): Promise<{ jobs: Job[]; skipped: SkippedJob[] }> {
  const jobs = new Map<string, Job>();
  const skipped: SkippedJob[] = [];
  let cursor: string | undefined;
  try {
    do {
      const page = await api.redrive({ state, image, since, until, cursor });
      for (const job of page.jobs) jobs.set(job.id, job);
      skipped.push(...page.skipped);
      cursor = page.cursor;
    } while (cursor !== undefined);
  } catch (error) {
    // What was queued before goes on, whatever became of the rest.
    if (jobs.size > 0)
      process.stderr.write(`${counted(jobs.size, 'job')} queued before this failed: drayage jobs --watch\n`);
    throw error;
  }
  return { jobs: [...jobs.values()], skipped };
}

function tellSkipped(skipped: readonly SkippedJob[]): void {
  for (const { id, image, reason } of skipped.slice(0, mostListed))
    process.stderr.write(`${image}: job ${id} is not tried again: ${reason}\n`);
  const more = skipped.length - mostListed;
  if (more > 0) process.stderr.write(`and ${more} more are not tried again\n`);
}
