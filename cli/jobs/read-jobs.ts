import type { DrayageApi, Job, JobFilter } from '../api/client.ts';

/** The largest page of the API. */
const pageSize = 500;

/**
 * The newest jobs that match, up to the limit. A page may hold fewer than it could: the API looks
 * through a limited number of jobs for each.
 */
export async function readJobs(api: DrayageApi, filter: Omit<JobFilter, 'cursor'>): Promise<Job[]> {
  const jobs: Job[] = [];
  let cursor: string | undefined;
  do {
    const limit = Math.min(pageSize, filter.limit - jobs.length);
    const page = await api.jobs({ ...filter, limit, cursor });
    jobs.push(...page.jobs);
    cursor = page.cursor;
  } while (cursor !== undefined && jobs.length < filter.limit);
  return jobs;
}
