import type { NotifyEndpoint } from '../config/config.ts';
import type { Connections } from '../registry/transport/connections.ts';
import { drayageVersion } from '../registry/transport/version.ts';
import {
  standardWebhookSecretProblem,
  standardWebhookSignature,
} from '../webhooks/authenticity/standard-webhooks.ts';

/** How an attempt to deliver an event ended. */
export type Delivery =
  | { kind: 'delivered'; status: number }
  /** The receiver wants no more events: 410. */
  | { kind: 'gone' }
  /** `retryAfterSeconds`: how long the receiver asks to wait. The reason contains no secret. */
  | { kind: 'failed'; reason: string; retryAfterSeconds?: number };

/** An event as the queue carries it: passed on as it is. */
export interface DeliveredEvent {
  id: string;
  [attribute: string]: unknown;
}

/**
 * How long a receiver may take, from the connection to the answer's headers. The recommendation is
 * 15 to 30 s.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#request-timeouts
 */
export const deliveryMs = 15_000;
/** An answer's body means nothing: so many bytes are read to keep the connection. */
const maxAnswerBytes = 64 * 1024;

/**
 * Sends an event to an endpoint once, as a Standard Webhook whose body is the CloudEvent. Redirects
 * are failures; so is every status but 2xx and 410.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#delivery-success-and-failure
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md#32-structured-content-mode
 *
 * @param secrets `whsec_…`: the current one, and while it is being replaced also the one before
 * @param connections the endpoint's own, which refuse what must not be reached
 */
export async function deliver(
  { url }: Pick<NotifyEndpoint, 'url'>,
  event: DeliveredEvent,
  { secrets, connections, now }: { secrets: string[]; connections: Connections; now: Date },
): Promise<Delivery> {
  const problem = secrets.map(standardWebhookSecretProblem).find((found) => found !== undefined);
  if (problem !== undefined) return { kind: 'failed', reason: `the endpoint’s secret ${problem}` };
  const body = Buffer.from(JSON.stringify(event));
  const timestamp = String(Math.floor(now.getTime() / 1000));
  const signatures = secrets.map((secret) => standardWebhookSignature(secret, event.id, timestamp, body));
  const target = new URL(url);
  try {
    await connections.check?.(target);
    const answer = await connections.dispatcherFor(target).request({
      origin: target.origin,
      path: `${target.pathname}${target.search}`,
      method: 'POST',
      headers: {
        'content-type': 'application/cloudevents+json; charset=utf-8',
        'user-agent': `drayage/${drayageVersion}`,
        'webhook-id': event.id,
        'webhook-timestamp': timestamp,
        'webhook-signature': signatures.join(' '),
      },
      body,
      signal: AbortSignal.timeout(deliveryMs),
    });
    // The status has decided: what becomes of the body changes nothing.
    await answer.body.dump({ limit: maxAnswerBytes }).catch(() => {});
    return judged(answer.statusCode, answer.headers['retry-after'], now);
  } catch (error) {
    return { kind: 'failed', reason: connectionReason(error) };
  }
}

function judged(status: number, retryAfter: string | string[] | undefined, now: Date): Delivery {
  if (status >= 200 && status < 300) return { kind: 'delivered', status };
  if (status === 410) return { kind: 'gone' };
  const isRedirect = status >= 300 && status < 400;
  const seconds = retryAfterSeconds(String(retryAfter ?? ''), now);
  return {
    kind: 'failed',
    reason: isRedirect
      ? `it answered ${status}: redirects are not followed; name the final address in mirror.yaml`
      : `it answered ${status}`,
    ...(seconds !== undefined && { retryAfterSeconds: seconds }),
  };
}

/** A number of seconds, or a date (RFC 9110, 10.2.3). */
function retryAfterSeconds(value: string, now: Date): number | undefined {
  if (/^\d{1,9}$/.test(value)) return Number(value);
  const seconds = Math.ceil((Date.parse(value) - now.getTime()) / 1000);
  return seconds > 0 ? seconds : undefined;
}

/** Errors of connections name hosts and addresses, not paths. */
function connectionReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `it did not answer within ${deliveryMs / 1000} s`;
  const code = 'code' in error ? `${String(error.code)}: ` : '';
  return `${code}${error.message || error.name}`;
}
