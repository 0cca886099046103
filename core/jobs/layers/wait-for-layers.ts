import type { ImageDestination } from '../../copy/ports.ts';
import type { JobOutcome, MirrorJobDependencies } from '../dependencies.ts';
import { tooSlow } from '../errors.ts';
import type { FannedOut, JobRecord } from '../record.ts';
import { handOut, lookAgainMs, maxFanOutMs, missingLayers } from './hand-out.ts';

/**
 * Checks on the layers that a job handed out, and queues those again that no worker carries.
 *
 * @param handed.repository the destination's name in its registry
 * @returns undefined if the mirror has them all, and the job can continue.
 * @throws JobFailure too_slow after a day.
 */
export async function lookAfterLayers(
  handed: { job: JobRecord; fannedOut: FannedOut; destination: ImageDestination; repository: string },
  deps: Pick<MirrorJobDependencies, 'fanOut' | 'now'>,
  signal: AbortSignal,
): Promise<JobOutcome | undefined> {
  const { destination, repository } = handed;
  const { layers, since } = handed.fannedOut;
  const missing = await missingLayers({ layers }, destination, { signal });
  // If there are no layer jobs any more (the deployment changed), the job carries the rest itself.
  if (missing.length === 0 || !deps.fanOut) return undefined;
  if (deps.now().getTime() - Date.parse(since) > maxFanOutMs) {
    throw tooSlow(
      `${missing.length} large layers are not in the mirror a day after they were handed out, ${missing[0]?.digest} first`,
    );
  }
  await handOut({ job: handed.job.id, repository, layers, missing }, deps.fanOut, deps.now());
  return waitForLayers(deps, {});
}

/** The outcome of a run whose layers are being carried. */
export function waitForLayers(
  { now }: Pick<MirrorJobDependencies, 'now'>,
  changes: Partial<JobRecord>,
): JobOutcome {
  return { state: 'copying', lookAgainAt: new Date(now().getTime() + lookAgainMs), changes };
}
