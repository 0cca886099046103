import { type DecideDependencies, decide, type QueueableEvents } from './decide.ts';
import { configuredWebhooks } from './find-webhook.ts';
import type { WebhookAnswer } from './source.ts';

/** An EventBridge event: the field that tells it from a request of the HTTP API. */
export interface BusEvent {
  'detail-type': string;
}

/**
 * Receives an event from EventBridge. It is authentic, since only the stack's rule may invoke the
 * function with one. Every webhook of the source `ecr` gets it; each speaks only for its own
 * registry.
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
