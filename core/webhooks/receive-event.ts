import { type DecideDependencies, decide, type QueueableEvents } from './decide.ts';
import { configuredWebhooks } from './find-webhook.ts';
import type { WebhookAnswer } from './source.ts';

/** An event of EventBridge, as far as it tells itself from a request of the HTTP API. */
export interface BusEvent {
  'detail-type': string;
}

/**
 * Receives an event that EventBridge brought: authentic, since only the stack's rule may invoke the
 * function with one. It is offered to every webhook of the source `ecr`; each speaks for its own
 * registry alone.
 */
export function receiveEvent(
  event: BusEvent,
  deps: DecideDependencies,
): { webhook: string; result: QueueableEvents | WebhookAnswer }[] {
  return configuredWebhooks(deps.config)
    .filter(({ source }) => source.name === 'ecr')
    .map(({ webhook, upstream, source }) => ({
      webhook: webhook.name,
      result: decide(
        source.receive({ headers: {}, body: event, upstream, options: webhook.options }),
        upstream.registry,
        deps,
      ),
    }));
}
