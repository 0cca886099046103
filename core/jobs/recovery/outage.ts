import type { ImageKey } from '../../mapping/record.ts';
import { RegistryError } from '../../registry/errors.ts';
import type { Verdict } from '../decide-retry.ts';
import { jobError } from '../decide-retry.ts';
import type { MirrorJobDependencies } from '../dependencies.ts';
import type { Outage } from '../ports.ts';

/** From so many failures in a row on, and after this time, an upstream counts as down. */
const leastFailures = 3;
const leastMs = 60_000;
/** An upstream that is down for this long is not waited for any more. */
const longestMs = 3 * 24 * 3_600_000;
/**
 * The pauses between looks at an upstream that is down: a quarter of the time for which it is.
 */
const shortestPauseMs = 60_000;
const longestPauseMs = 15 * 60_000;
/** Waiting jobs do not all come back at once. */
const spreadMs = 30_000;

/** Whether an upstream counts as down: nobody got an answer for a while. */
export function isDown({ failures, since }: Outage, now: Date): boolean {
  return failures >= leastFailures && now.getTime() - since.getTime() >= leastMs;
}

/**
 * Records what an error says about the upstream itself, and decides about the job if the upstream
 * is down. The upstream is then closed to all workers for a while, longer each time; one of them
 * looks whether it is back. The wait does not count as the job's attempt, since it says nothing
 * about the image.
 *
 * @param what was being copied. A layer that gets 5xx each time says nothing about its registry,
 *   unless that is known to be down: no look at a manifest comes in between.
 * @returns undefined if the upstream is not down, or has been for too long.
 */
export async function outageVerdict(
  error: unknown,
  { key: { registry } }: { key: Pick<ImageKey, 'registry'> },
  { gate, now }: Pick<MirrorJobDependencies, 'gate' | 'now'>,
  what: 'image' | 'layer' = 'image',
): Promise<(Verdict & { kind: 'wait' }) | undefined> {
  if (!(error instanceof RegistryError) || error.side !== 'upstream') return undefined;
  if (hasAnswered(error)) await gate.answered(registry);
  if (!isNoAnswer(error)) return undefined;
  const at = now();
  if (what === 'layer' && error.status !== undefined) {
    const known = await gate.outage(registry);
    if (known === undefined || !isDown(known, at)) return undefined;
  }
  const failure = jobError(error);
  const outage = await gate.failed(registry, { at, reason: failure.message });
  const downMs = at.getTime() - outage.since.getTime();
  if (!isDown(outage, at) || downMs > longestMs) return undefined;
  const pauseMs = Math.min(longestPauseMs, Math.max(shortestPauseMs, Math.round(downMs / 4)));
  await gate.closeDown(registry, new Date(at.getTime() + pauseMs));
  const delayMs = pauseMs + Math.round(Math.random() * spreadMs);
  return { kind: 'wait', why: 'outage', delayMs, error: failure };
}

/** The upstream answered something: it is there. */
function hasAnswered({ status }: RegistryError): boolean {
  return status !== undefined && status < 500;
}

/** No answer, or one that says that the registry does not work for now. */
function isNoAnswer({ status, retry }: RegistryError): boolean {
  return retry.kind === 'backoff' && (status === undefined || status >= 500);
}
