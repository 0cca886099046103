import type { Upstream } from '../config/config.ts';
import { DrayageError, type Retry } from '../errors.ts';
import type { UpstreamGate } from './ports.ts';

/** The upstream's rate limit was reached, by this worker or another one. */
export class UpstreamClosedError extends DrayageError {
  override readonly name = 'UpstreamClosedError';
  readonly code = 'UPSTREAM_CLOSED';
  readonly side = 'upstream';
  readonly remedy =
    'none needed: the job continues when the registry’s rate limit allows it; credentials with a higher limit shorten the wait';
  readonly retry: Retry;

  constructor(registry: string, until: Date, now: Date) {
    super(`${registry} is rate-limited until ${until.toISOString()}`);
    this.retry = { kind: 'rate-limit', afterMs: Math.max(0, until.getTime() - now.getTime()) };
  }
}

/** @throws UpstreamClosedError while the registry is closed to all workers. */
export async function requireOpen(gate: UpstreamGate, { registry }: Upstream, now: Date): Promise<void> {
  const until = await gate.closedUntil(registry, now);
  if (until) throw new UpstreamClosedError(registry, until, now);
}
