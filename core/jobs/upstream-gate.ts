import type { Upstream } from '../config/config.ts';
import { DrayageError, type Retry } from '../errors.ts';
import type { Outage, UpstreamGate } from './ports.ts';
import { isDown } from './recovery/outage.ts';

/** While one worker looks whether an upstream is back, the others wait this long, milliseconds. */
const probeMs = 2 * 60_000;

/** The upstream’s rate limit was reached, or it is down, for this worker or another one. */
export class UpstreamClosedError extends DrayageError {
  override readonly name = 'UpstreamClosedError';
  readonly code: 'UPSTREAM_CLOSED' | 'UPSTREAM_DOWN';
  readonly side = 'upstream';
  readonly remedy: string;
  readonly retry: Retry;

  /** @param outage if it is closed because it is down */
  constructor(registry: string, until: Date, now: Date, outage?: Outage) {
    super(
      outage
        ? `${registry} has not answered since ${outage.since.toISOString()}; it is asked again at ${until.toISOString()}`
        : `${registry} is rate-limited until ${until.toISOString()}`,
    );
    this.code = outage ? 'UPSTREAM_DOWN' : 'UPSTREAM_CLOSED';
    this.remedy = outage
      ? 'none needed: the job continues when the registry answers; to try it now: drayage redrive --state waiting'
      : 'none needed: the job continues when the registry’s rate limit allows it; credentials with a higher limit shorten the wait';
    this.retry = { kind: 'rate-limit', afterMs: Math.max(0, until.getTime() - now.getTime()) };
  }
}

/**
 * Of an upstream that is down, and whose pause is over, only one worker gets through: the others
 * wait for what it finds.
 *
 * @throws UpstreamClosedError while the registry is closed to all workers.
 */
export async function requireOpen(gate: UpstreamGate, { registry }: Upstream, now: Date): Promise<void> {
  const until = await gate.closedUntil(registry, now);
  const outage = await gate.outage(registry);
  const down = outage && isDown(outage, now) ? outage : undefined;
  if (until) throw new UpstreamClosedError(registry, until, now, down);
  if (down === undefined) return;
  const probed = new Date(now.getTime() + probeMs);
  if (!(await gate.probe(registry, probed, now))) throw new UpstreamClosedError(registry, probed, now, down);
}
