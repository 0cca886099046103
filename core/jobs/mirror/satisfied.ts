import { isPinned } from '../../mapping/publish.ts';
import { formatImageKey, type ImageKey } from '../../mapping/record.ts';
import type { TagState } from '../../mapping/store.ts';
import type { JobOutcome, MirrorJobDependencies } from '../dependencies.ts';
import { scheduleLook } from '../later-look.ts';
import { isSatisfied } from './decisions.ts';
import { newerJob, readRecordedJob, whoLooks } from './defer-look.ts';
import type { MirrorWork } from './work.ts';

/**
 * The outcome of a job that does not need to look itself: what it would find is already committed,
 * or another job will look.
 *
 * @param work.known the tag before the look
 * @returns undefined if it must look
 */
export async function satisfiedWithout(
  { known, ...work }: MirrorWork & { known: TagState },
  deps: Pick<MirrorJobDependencies, 'mappings' | 'jobs' | 'now'>,
  signal: AbortSignal,
): Promise<JobOutcome | undefined> {
  const { job, fingerprint, repository } = work;
  const satisfied: JobOutcome = { state: 'satisfied', changes: { digest: known.mapping?.digest } };
  if (isSatisfied(work, known)) return satisfied;
  const before = { tag: known, fingerprint, repository, now: deps.now() };
  const newer = newerJob(job, before);
  const newest = newer === undefined ? undefined : await readRecordedJob(newer, deps.jobs, signal);
  const who = whoLooks(job, before, newest);
  if (who === 'this-job') return undefined;
  if (who === 'newer-job') return { state: 'satisfied', changes: {} };
  await scheduleLook({ key: job.key, trigger: 'recheck' }, deps);
  return satisfied;
}

/**
 * The outcome of a job whose tag is pinned: it stays what it is until somebody unpins it, which
 * looks at upstream again. Undefined if it is not pinned.
 */
export function pinnedOutcome(key: ImageKey, known: TagState): JobOutcome | undefined {
  if (!isPinned(known)) return undefined;
  const digest = (known.mapping ?? known.removed?.mapping)?.digest;
  const message = `${formatImageKey(key)} is pinned to ${digest}; unpin it to let it follow upstream`;
  return { state: 'superseded', changes: { digest, reason: { code: 'pinned', message } } };
}
