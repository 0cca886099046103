import { formatImageKey } from '../../mapping/record.ts';
import { parseReference } from '../../oci/reference.ts';
import { selectImage } from '../../policy/select-image.ts';
import { type EnqueueDependencies, enqueue, type ImageToQueue, sendJobs } from '../enqueue.ts';
import { isFinished, type JobRecord, type JobState, jobIdTime, newJobId } from '../record.ts';

/** The states that jobs can be tried again from. */
export const redrivableStates = ['failed', 'waiting', 'queued', 'copying'] as const satisfies JobState[];

/** Which jobs to try again. */
export interface RedriveQuery {
  state: (typeof redrivableStates)[number];
  /** `registry/repository:tag`, as in the `image` field. */
  image?: string | undefined;
  /** Only jobs that were received at this time or later. */
  since?: Date | undefined;
  /** Only jobs that were received at this time or earlier. */
  until?: Date | undefined;
  cursor?: string | undefined;
  /** The most jobs to look at. */
  limit: number;
}

/** A job that there is no use in trying again. */
export interface SkippedJob {
  job: JobRecord;
  /** `code: explanation`; the codes are stable. */
  reason: string;
}

/** What came of a page of jobs. */
export interface Redriven {
  /** The new jobs for those that had failed, and the others themselves. */
  jobs: JobRecord[];
  skipped: SkippedJob[];
  cursor?: string;
}

/**
 * Tries jobs again, the newest first. A failed job stays what it is, as a record of what happened;
 * its image gets a new job, unless that has nothing to do: a later look was committed, or another
 * job is under way. So it does no harm to ask twice. The message of a job that is not finished is
 * sent once more, which makes one that waits run now.
 *
 * @throws NotQueuedError if the queue refused some; those are parked, and run a minute later.
 * @throws InvalidCursorError for a cursor that does not come from an earlier answer.
 */
export async function redrive(query: RedriveQuery, deps: EnqueueDependencies): Promise<Redriven> {
  const page = await list(query, deps);
  const more = page.cursor === undefined ? {} : { cursor: page.cursor };
  if (query.state !== 'failed') return { ...(await sendNow(page.jobs, deps)), ...more };
  const named = new Set<string>();
  const decided = await Promise.all(
    page.jobs.map(async (job) => {
      const name = `${formatImageKey(job.key)} ${kindOf(job)}`;
      const isOlder = job.change === undefined && named.has(name);
      if (job.change === undefined) named.add(name);
      const reason = isOlder ? olderJob : await whyNot(job, deps);
      return { job, reason };
    }),
  );
  const wanted = decided.flatMap(({ job, reason }) => (reason === undefined ? [job] : []));
  const skipped = decided.flatMap(({ job, reason }) => (reason === undefined ? [] : [{ job, reason }]));
  const jobs: JobRecord[] = [];
  for (const kind of ['redrive', 'signature', 'deletion'] as const)
    jobs.push(...(await enqueue(wanted.filter((job) => kindOf(job) === kind).map(imageOf), kind, deps)));
  return { jobs, skipped, ...more };
}

/** What a job does, as the trigger of its successor says it. */
function kindOf({ trigger }: JobRecord): 'redrive' | 'signature' | 'deletion' {
  return trigger === 'signature' || trigger === 'deletion' ? trigger : 'redrive';
}

/** What a sender said about a push is old; a deleted manifest stays deleted. */
function imageOf({ key, trigger, toldDigest }: JobRecord): ImageToQueue {
  return trigger === 'deletion' ? { key, toldDigest } : { key };
}

const olderJob = 'older: a newer job of the image has failed as well; only that one is considered';

/** The jobs of a page, and where the next one begins. */
async function list(
  { state, image, since, until, cursor = until && firstIdAfter(until), limit }: RedriveQuery,
  { jobs }: Pick<EnqueueDependencies, 'jobs'>,
): Promise<{ jobs: JobRecord[]; cursor?: string }> {
  const earliest = since?.getTime() ?? 0;
  const isOld = (id: string) => (jobIdTime(id) ?? 0) < earliest;
  let isPast = false;
  const page = await jobs.list({
    states: [state],
    ...(image !== undefined && { image }),
    ...(cursor !== undefined && { cursor }),
    limit,
    fits: ({ id }) => {
      isPast = isOld(id);
      return !isPast;
    },
  });
  const isLast = isPast || page.cursor === undefined || isOld(page.cursor);
  return { jobs: page.jobs, ...(!isLast && { cursor: page.cursor as string }) };
}

/** IDs sort by time: those of the given time, and all before, come before this one. */
function firstIdAfter(time: Date): string {
  return `${newJobId(time.getTime() + 1).slice(0, 10)}${'0'.repeat(16)}`;
}

/** Why a failed job is not tried again; undefined if it is. */
async function whyNot(
  { id, key, event, trigger, change }: JobRecord,
  { config, mappings, jobs }: Pick<EnqueueDependencies, 'config' | 'mappings' | 'jobs'>,
): Promise<string | undefined> {
  const image = formatImageKey(key);
  if (change !== undefined)
    return `change: somebody asked to ${change.kind} the tag then; ask again if it is still wanted`;
  const selection = selectImage(config, parseReference(image));
  if (!selection.mirrored) return selection.reason;
  if (trigger === 'signature' || trigger === 'deletion') return undefined;
  const tag = await mappings.read(key);
  if (tag?.mapping !== undefined && event <= (tag.committed?.event ?? 0))
    return 'mirrored: a later job has mirrored the image';
  if (tag?.lastJob === undefined || tag.lastJob === id) return undefined;
  const last = await jobs.read(tag.lastJob);
  if (last === undefined || isFinished(last)) return undefined;
  return `under_way: the job ${last.id} of the image is ${last.state}`;
}

async function sendNow(
  jobs: JobRecord[],
  deps: EnqueueDependencies,
): Promise<Pick<Redriven, 'jobs' | 'skipped'>> {
  const sent = await Promise.all(
    jobs.map(async (job): Promise<JobRecord[]> => {
      if (job.state !== 'waiting') return [job];
      // Before the message is sent: a worker may be faster.
      const isOpen = await deps.jobs.update(job.id, { state: 'queued', notBefore: undefined });
      const { notBefore: _past, ...rest } = job;
      return isOpen ? [{ ...rest, state: 'queued' }] : [];
    }),
  );
  await sendJobs(sent.flat(), deps);
  return { jobs: sent.flat(), skipped: [] };
}
