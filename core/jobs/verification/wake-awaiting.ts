import type { DigestKey } from '../../mapping/record.ts';
import type { MirrorJobDependencies } from '../dependencies.ts';
import { type EnqueueDependencies, enqueue, sendJobs } from '../enqueue.ts';
import type { JobRecord } from '../record.ts';
import { signatureMissing } from './signature-wait.ts';

/**
 * Something was signed: the images that wait for a signature of this digest are looked at again at
 * once, and so are those that failed for lack of one. A job that waits goes on; for one that has
 * ended, or that may have looked just before the signature came, there is a new one.
 *
 * @returns how many images are looked at
 * @throws NotQueuedError if the queue refused some: those run a minute later
 */
export async function wakeAwaiting(
  key: DigestKey,
  deps: EnqueueDependencies & Pick<MirrorJobDependencies, 'awaited'>,
): Promise<number> {
  const awaiting = await deps.awaited.of(key);
  const found = await Promise.all(
    awaiting.map(async ({ reference, job: id }) => ({
      key: { ...key, reference },
      job: await deps.jobs.read(id),
    })),
  );
  const waiting = found.flatMap(({ job }) => (job && isWaiting(job) ? [job] : []));
  const others = found.filter(({ job }) => !job || !(isWaiting(job) || isOnItsWay(job)));
  const woken = await Promise.all(
    waiting.map(async (job): Promise<JobRecord[]> => {
      // Before the message is sent: a worker may be faster.
      const isOpen = await deps.jobs.update(job.id, { state: 'queued', notBefore: undefined });
      if (isOpen) return [{ ...job, state: 'queued' }];
      // It has ended just now, perhaps without the signature.
      others.push({ key: job.key, job });
      return [];
    }),
  );
  await sendJobs(woken.flat(), deps);
  await enqueue(
    others.map((each) => ({ key: each.key })),
    'recheck',
    deps,
  );
  return awaiting.length;
}

/** It waits for nothing but a signature. */
function isWaiting({ state, error }: JobRecord): boolean {
  return state === 'waiting' && error?.code === signatureMissing;
}

/** It looks later anyway: it is queued, or waits until its upstream answers. */
function isOnItsWay({ state, error }: JobRecord): boolean {
  return state === 'queued' || (state === 'waiting' && error?.code !== signatureMissing);
}
