import type { WebhookArrivals } from '../../core/webhooks/secrets/state.ts';
import { webhookStates } from '../shared/services.ts';
import { logger } from '../shared/telemetry.ts';

/** An instance writes the same news of a webhook down this often at most; after a refusal, the next delivery is news. */
const everyMs = 30_000;
/** By webhook, what was noted when: names are those of the configuration. */
const noted = new Map<string, Map<string, number>>();

/**
 * Notes when something came for a webhook, so that an operator sees whether its sender is set up. It never rejects: a delivery is not
 * refused for it.
 */
export async function noteArrival(
  name: string,
  what: 'delivered' | 'accepted' | { refused: string },
): Promise<void> {
  const kind = typeof what === 'string' ? what : what.refused;
  const now = Date.now();
  const before = noted.get(name);
  if (now - (before?.get(kind) ?? 0) < everyMs) return;
  const isRefusal = typeof what !== 'string';
  noted.set(name, new Map([...((!isRefusal && before) || []), [kind, now]]));
  try {
    await webhookStates().note(name, arrivals(what, new Date(now).toISOString()));
  } catch (error) {
    noted.get(name)?.delete(kind);
    logger.warn('when a delivery came could not be noted', { webhook: name, error: error as Error });
  }
}

function arrivals(what: Parameters<typeof noteArrival>[1], at: string): WebhookArrivals {
  if (typeof what !== 'string') return { refusedAt: at, refusedFor: what.refused };
  return what === 'accepted' ? { deliveredAt: at, acceptedAt: at } : { deliveredAt: at };
}
