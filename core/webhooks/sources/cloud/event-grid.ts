import * as z from 'zod';
import type { WebhookAnswer, WebhookOutcome } from '../../source.ts';
import { excerpt, ignore, malformed, outcomeOf } from '../shared/outcome.ts';

/**
 * The origins that ask, through the abuse protection of CloudEvents webhooks, whether Event Grid
 * may deliver: the public cloud, and the sovereign ones.
 */
const origins = ['eventgrid.azure.net', 'eventgrid.azure.us', 'eventgrid.azure.cn'];

/**
 * Answers Azure Event Grid's question whether its events are wanted. The URL in
 * `WebHook-Request-Callback`, which could be used to agree later, is never fetched.
 * https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md#4-abuse-protection
 * https://learn.microsoft.com/azure/event-grid/end-point-validation-cloud-events-schema
 */
export function answerHandshake(headers: Readonly<Record<string, string>>): WebhookAnswer | undefined {
  const origin = headers['webhook-request-origin']?.toLowerCase();
  if (origin === undefined || !origins.includes(origin)) return undefined;
  return {
    kind: 'answer',
    status: 200,
    headers: { allow: 'POST, OPTIONS', 'webhook-allowed-origin': origin, 'webhook-allowed-rate': '*' },
    body: { accepted: [], ignored: [] },
  };
}

const typed = z.object({ type: z.string().optional(), eventType: z.string().optional() });

/**
 * An event's type: `type` of CloudEvents or `eventType` of Event Grid's own schema; undefined if it
 * has neither.
 */
export function eventGridType(event: unknown): string | undefined {
  const parsed = typed.safeParse(event);
  return parsed.success ? (parsed.data.type ?? parsed.data.eventType) : undefined;
}

const validation = z.object({ data: z.object({ validationCode: z.string() }) });

/** A code is a UUID; a longer one is not echoed. */
const maxCode = 200;

/**
 * Answers the event with which Event Grid validates a subscription in its own schema.
 * `validationUrl` is never fetched.
 * https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema
 *
 * @param path the event's path in the payload
 * @returns undefined if it is another event
 */
export function answerValidation(event: unknown, path: string): WebhookOutcome | undefined {
  if (eventGridType(event) !== 'Microsoft.EventGrid.SubscriptionValidationEvent') return undefined;
  const parsed = validation.safeParse(event);
  if (!parsed.success) return outcomeOf([ignore(malformed(parsed.error, event, path))]);
  const { validationCode } = parsed.data.data;
  if (validationCode.length > maxCode)
    return outcomeOf([
      ignore(`malformed: ${path}.data.validationCode is too long: ${excerpt(validationCode)}`),
    ]);
  return { kind: 'answer', status: 200, headers: {}, body: { validationResponse: validationCode } };
}
