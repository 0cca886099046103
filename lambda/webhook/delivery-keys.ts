import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { BusEvent } from '../../core/webhooks/receive-event.ts';
import type { LogKeys } from '../shared/telemetry.ts';

/** In which senders number their deliveries; their own pages show the same number. */
const numberedIn = [
  'x-github-delivery',
  'x-gitlab-event-uuid',
  'x-gitea-delivery',
  'x-forgejo-delivery',
  'webhook-id',
  'ce-id',
];
/** What such a number may look like: whatever else comes is not logged. */
const number = /^[\w.:-]{1,100}$/;

/**
 * What the log lines of a delivery have in common: the number of the request at API Gateway, as in
 * its access log and in the header `apigw-requestid` of the answer, or the one of the EventBridge
 * event; and the sender's own number, if it sends one. Nothing of it is trusted.
 */
export function deliveryKeys(event: APIGatewayProxyEventV2 | BusEvent): LogKeys {
  if ('detail-type' in event) return keysOf({ delivery: textOf((event as { id?: unknown }).id) });
  const { headers = {}, requestContext } = event;
  const sent = numberedIn.map((name) => textOf(headers[name])).find((value) => value !== undefined);
  return keysOf({ delivery: textOf(requestContext.requestId), senderId: sent });
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && number.test(value) ? value : undefined;
}

function keysOf(found: Record<string, string | undefined>): LogKeys {
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}
