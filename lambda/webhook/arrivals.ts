import type { WebhookArrivals, WebhookStates } from '../../core/webhooks/secrets/state.ts';
import { logger } from '../shared/telemetry.ts';

/**
 * An instance records the same news about a webhook at most this often; after a refusal, the next
 * delivery is news.
 */
const everyMs = 30_000;

/** What arrived for a webhook. */
type Arrival = 'delivered' | 'accepted' | { refused: string };

/**
 * Records when something arrived for a webhook, so that operators see whether its sender is set up.
 */
export class ArrivalNotes {
  readonly #deployment: { readonly webhookStates: Pick<WebhookStates, 'note'> };
  /** By webhook, what was recorded when. The names are those of the configuration. */
  readonly #noted = new Map<string, Map<string, number>>();

  /** @param deployment opens the table only when something is recorded. */
  constructor(deployment: { readonly webhookStates: Pick<WebhookStates, 'note'> }) {
    this.#deployment = deployment;
  }

  /** Never rejects: a delivery is not refused because this failed. */
  async note(name: string, what: Arrival): Promise<void> {
    const kind = typeof what === 'string' ? what : what.refused;
    const now = Date.now();
    const before = this.#noted.get(name);
    if (now - (before?.get(kind) ?? 0) < everyMs) return;
    const isRefusal = typeof what !== 'string';
    this.#noted.set(name, new Map([...((!isRefusal && before) || []), [kind, now]]));
    try {
      await this.#deployment.webhookStates.note(name, arrivals(what, new Date(now).toISOString()));
    } catch (error) {
      this.#noted.get(name)?.delete(kind);
      logger.warn('the time of a delivery could not be recorded', { webhook: name, error: error as Error });
    }
  }
}

function arrivals(what: Arrival, at: string): WebhookArrivals {
  if (typeof what !== 'string') return { refusedAt: at, refusedFor: what.refused };
  return what === 'accepted' ? { deliveredAt: at, acceptedAt: at } : { deliveredAt: at };
}
