import { isDigestKey } from '../../mapping/record.ts';
import { announce } from '../../notify/announce.ts';
import { imageFailed, imageMirrored } from '../../notify/events.ts';
import type { JobOutcome, MirrorJobDependencies, PublishedByJob } from '../dependencies.ts';
import { isFinished, type JobError, type JobRecord, wasBegunBefore } from '../record.ts';

/**
 * Tells others that a job has published its image. This happens before the job's end is recorded:
 * after a crash in between, the event is sent again with the same id, rather than never. A job that
 * finds its image mirrored has nothing to tell, unless it has mirrored it itself in an earlier
 * attempt. It never rejects.
 */
export async function announceMirrored(
  job: JobRecord,
  outcome: Exclude<JobOutcome, { state: 'copying' }>,
  deps: Pick<MirrorJobDependencies, 'config' | 'mappings' | 'notifier' | 'warn'>,
): Promise<void> {
  const { config, mappings, warn } = deps;
  let published: PublishedByJob | undefined;
  try {
    published = outcome.published ?? (await publishedBefore(job, mappings));
  } catch (error) {
    warn('whether an earlier attempt published the image could not be read', error);
  }
  if (published === undefined) return;
  const { revision, mapping, replaced: previousDigest } = published;
  const stored = { key: job.key, revision, mapping };
  await announce(
    async () => imageMirrored({ config, stored, hosts: await mappings.registryHosts(), job, previousDigest }),
    deps,
  );
}

/** What an earlier attempt at the job published, although something else may be mapped by now. */
async function publishedBefore(
  job: JobRecord,
  mappings: Pick<MirrorJobDependencies['mappings'], 'read' | 'history'>,
): Promise<PublishedByJob | undefined> {
  const { id, key } = job;
  if (!wasBegunBefore(job)) return undefined;
  if (isDigestKey(key)) {
    const { mapping, revision = 0 } = (await mappings.read(key)) ?? {};
    return mapping?.job === id ? { mapping, revision } : undefined;
  }
  const history = await mappings.history(key);
  const index = history.findIndex(({ mapping }) => mapping.job === id);
  const [own, before] = index < 0 ? [] : history.slice(index, index + 2);
  if (own === undefined) return undefined;
  const replaced = before?.mapping.digest;
  return { ...own, ...(replaced !== own.mapping.digest && { replaced }) };
}

/**
 * Tells others that a job failed for good, before that is recorded, as {@link announceMirrored}
 * does. A job that another worker has finished meanwhile is left alone. It never rejects.
 */
export async function announceFailed(
  job: JobRecord,
  error: JobError,
  deps: Pick<MirrorJobDependencies, 'config' | 'jobs' | 'notifier' | 'now' | 'warn'>,
): Promise<void> {
  const { config, jobs, now, warn } = deps;
  let current: JobRecord | undefined = job;
  try {
    current = await jobs.read(job.id);
  } catch (failure) {
    warn('whether the job is already finished could not be read', failure);
  }
  if (current && isFinished(current)) return;
  await announce(() => imageFailed({ config, job, error, at: now() }), deps);
}
