import { meter } from '../shared/metrics.ts';
import { logger } from '../shared/telemetry.ts';
import type { ScheduleDeployment } from './deployment.ts';

/**
 * Jobs received so recently are read from their own partitions, the others by their parking notes:
 * every unfinished job has one. A short time keeps the reads of each minute few.
 */
const recentMs = 10 * 60_000;

/**
 * Measures what waits: unfinished jobs, the age of the oldest one, and the upstreams that nothing
 * is asked of. It never rejects: jobs are resent whether or not this works.
 */
export async function measureBacklog({ config, jobs, upstreamGate }: ScheduleDeployment): Promise<void> {
  const now = new Date();
  try {
    const { queued, waiting, copying, oldestWaiting } = await jobs.summary(
      new Date(now.getTime() - recentMs),
    );
    meter.record('OpenJobsQueued', queued);
    meter.record('OpenJobsWaiting', waiting);
    meter.record('OpenJobsCopying', copying);
    meter.record('OldestWaitingJob', oldestWaiting ? secondsSince(oldestWaiting.receivedAt, now) : 0);
    await Promise.all(
      config.upstreams.map(async ({ registry }) => {
        const isClosed = (await upstreamGate.closedUntil(registry, now)) !== undefined;
        meter.record('UpstreamClosed', isClosed ? 1 : 0, registry);
      }),
    );
  } catch (error) {
    logger.warn('what waits could not be measured', { error: error as Error });
  }
}

function secondsSince(time: string, now: Date): number {
  return Math.max(0, Math.round((now.getTime() - Date.parse(time)) / 1000));
}
