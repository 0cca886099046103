import type { Upstream } from '../../config/config.ts';
import { outageVerdict } from '../../jobs/recovery/outage.ts';
import { requireOpen, UpstreamClosedError } from '../../jobs/upstream-gate.ts';
import { RegistryError } from '../../registry/errors.ts';
import type { ReconcileDependencies } from '../ports.ts';

/** A registry that names no time is asked again after this, milliseconds. */
const closedMs = 5 * 60_000;

type GateDependencies = Pick<ReconcileDependencies, 'gate' | 'now'>;

/**
 * Passes on what an upstream lists, unless it is closed to all workers. If it was down, they learn
 * that it answers.
 *
 * @param ask asks the registry itself about an item, for a list that comes from elsewhere: that
 *   says nothing about the registry. It is called only if the registry seems to be down.
 * @throws UpstreamClosedError before it is asked; what `ask` throws
 */
export async function* askedUpstream<T>(
  upstream: Upstream,
  items: AsyncIterable<T>,
  { gate, now }: GateDependencies,
  ask?: (item: T) => Promise<unknown>,
): AsyncGenerator<T> {
  const { registry } = upstream;
  await requireOpen(gate, upstream, now());
  let first: T | undefined;
  for await (const item of items) {
    first ??= item;
    yield item;
  }
  if (ask) {
    if (first === undefined || (await gate.outage(registry)) === undefined) return;
    await ask(first);
  }
  await gate.answered(registry);
}

/**
 * Tells all workers what a failure says about the upstream: that its rate limit is reached, that it
 * is down, or that it answers.
 *
 * @returns whether it is closed now: then the failure says nothing about what was asked for
 */
export async function closedBy(error: unknown, upstream: Upstream, deps: GateDependencies): Promise<boolean> {
  if (error instanceof UpstreamClosedError) return true;
  if (!(error instanceof RegistryError) || error.side !== 'upstream' || isOfList(error, upstream))
    return false;
  const { registry } = upstream;
  const { retry } = error;
  if (retry.kind === 'rate-limit') {
    await deps.gate.close(registry, new Date(deps.now().getTime() + (retry.afterMs ?? closedMs)));
    return true;
  }
  return (await outageVerdict(error, { key: { registry } }, deps)) !== undefined;
}

/**
 * Whether a failure is that of a service which only lists, such as Docker Hub's API: its rate limit
 * says nothing about the registry, which events need.
 */
export function isOfList(error: unknown, { registry }: Pick<Upstream, 'registry'>): boolean {
  return error instanceof RegistryError && error.side === 'upstream' && error.registry !== registry;
}
