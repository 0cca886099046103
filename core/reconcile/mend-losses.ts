import type { Upstream } from '../config/config.ts';
import { mirrorRepository } from '../policy/mirror-repository.ts';
import { ruleSelector } from '../policy/select-image.ts';
import { settleLosses } from '../registry-events/settle-losses.ts';
import type { ReconcileDependencies } from './ports.ts';

/**
 * Removes, and queues again, what a mirror repository has lost: events about deleted images are
 * best effort, and what they missed is found here.
 */
export async function mendLosses(
  repository: string,
  deps: ReconcileDependencies,
  signal: AbortSignal,
): Promise<void> {
  const { failed } = await settleLosses(repository, [{ repository, images: 'all' }], deps, signal);
  for (const error of failed.values()) throw error;
}

/**
 * Does the same for the repositories of an upstream that no rule names any more. Their mappings
 * stay, so nobody may be sent to an image that is not there. The upstream is not asked.
 */
export async function mendLeftBehind(
  upstream: Upstream,
  deps: ReconcileDependencies,
  signal: AbortSignal,
): Promise<void> {
  const { registry } = upstream;
  const ruleOf = ruleSelector(upstream);
  for await (const repository of deps.mappings.repositoriesOf(registry)) {
    if (ruleOf(repository)) continue;
    signal.throwIfAborted();
    try {
      await mendLosses(mirrorRepository(deps.config, registry, repository), deps, signal);
    } catch (error) {
      signal.throwIfAborted();
      deps.warn(`what the mirror has lost of ${registry}/${repository} could not be found out`, error);
    }
  }
}
