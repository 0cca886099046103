import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { enqueue } from '../../core/jobs/enqueue.ts';
import { formatImageKey, imageKey } from '../../core/mapping/record.ts';
import { unknownWebhook } from '../../core/telemetry/metrics.ts';
import type { QueueableEvents } from '../../core/webhooks/decide.ts';
import { receiveWebhook, type WebhookResult } from '../../core/webhooks/receive.ts';
import { type BusEvent, receiveEvent } from '../../core/webhooks/receive-event.ts';
import type { IgnoredEvent } from '../../core/webhooks/source.ts';
import { errorResponse, HttpError, type HttpResponse, httpRequest, json } from '../shared/http.ts';
import { meter, publishMetrics } from '../shared/metrics.ts';
import { about, logger } from '../shared/telemetry.ts';
import { traced } from '../shared/trace.ts';
import { WebhookDeployment } from '../shared/webhook-deployment.ts';
import { ArrivalNotes } from './arrivals.ts';
import { deliveryKeys } from './delivery-keys.ts';

/** The body of a 202. */
interface Queued {
  accepted: { image: string; job: string }[];
  ignored: IgnoredEvent[];
}

/** What an instance of the function holds. */
interface Receiver {
  deployment: WebhookDeployment;
  arrivals: ArrivalNotes;
}

/** Verifies a delivery and queues its events. Answers 202 only after the queue has every job. */
async function run(
  event: APIGatewayProxyEventV2 | BusEvent,
  receiver: Receiver,
): Promise<HttpResponse | undefined> {
  if ('detail-type' in event) return await takeEvent(event, receiver);
  const { config, account, webhookSecrets: secrets } = receiver.deployment;
  const request = httpRequest(event);
  const route = /^\/webhooks\/([^/]+)(?:\/([^/]+))?$/.exec(request.path);
  const name = route?.[1] ?? '';
  try {
    if (!route) throw new HttpError(404, 'not_found', 'there is no such route');
    const result = await receiveWebhook({ ...request, name, token: route[2] }, { config, account, secrets });
    return await answer({ ...request, name }, result, receiver);
  } catch (error) {
    if (error instanceof HttpError) return errorResponse(error);
    // Secrets, keys, table or queue are unavailable. None of this is the sender's fault: it should
    // send the delivery again.
    logger.error('the delivery could not be queued', { webhook: name, error: error as Error });
    meter.record('WebhookUnavailable');
    return errorResponse(
      new HttpError(503, 'not_queued', 'not everything could be queued: send the delivery again', {
        'retry-after': '60',
      }),
    );
  }
}

/** @throws whatever keeps an event from being queued: Lambda then retries the event. */
async function takeEvent(event: BusEvent, receiver: Receiver): Promise<undefined> {
  const { config, account } = receiver.deployment;
  for (const { webhook, result } of receiveEvent(event, { config, account })) {
    if (result.kind === 'events') await take(webhook, result, receiver);
  }
}

async function answer(
  { method, name, sourceIp }: { method: string; name: string; sourceIp: string | undefined },
  result: WebhookResult,
  receiver: Receiver,
): Promise<HttpResponse> {
  if (result.kind === 'refused') {
    // The name is known to be ours only if the status is not 404; a guessed one does not belong in
    // the log.
    const webhook = result.status === 404 ? undefined : name;
    const { status, code } = result;
    // The address is what an operator compares with `allow`.
    const address = code === 'address_not_allowed' ? { sourceIp } : {};
    logger.warn('a delivery was refused', { webhook, status, code, ...address });
    meter.record('WebhookRefused', 1, webhook ?? unknownWebhook);
    if (code === 'address_not_allowed') meter.record('WebhookAddressNotAllowed', 1);
    if (webhook !== undefined) await receiver.arrivals.note(webhook, { refused: result.code });
    throw new HttpError(result.status, result.code, result.message, result.headers);
  }
  if (result.kind === 'answer') {
    // A handshake, by OPTIONS, comes without authentication.
    if (method === 'POST') await receiver.arrivals.note(name, 'delivered');
    return json(result.status, result.body, result.headers);
  }
  return json(202, await take(name, result, receiver));
}

/** Queues the events of a delivery, and logs the result. */
async function take(name: string, result: QueueableEvents, receiver: Receiver): Promise<Queued> {
  const accepts = result.events.length + result.signatures.length + result.deletions.length > 0;
  const [queued] = await Promise.all([
    queueEvents(result, receiver.deployment),
    receiver.arrivals.note(name, accepts ? 'accepted' : 'delivered'),
  ]);
  logger.info('a delivery was accepted', { webhook: name, ...queued });
  meter.record('WebhookAccepted', queued.accepted.length, name);
  meter.record('WebhookIgnored', queued.ignored.length, name);
  const malformed = queued.ignored.filter(({ reason }) => reason.startsWith('malformed: ')).length;
  if (malformed > 0) meter.record('WebhookMalformed', malformed);
  return queued;
}

/**
 * Queues a job for each event of a delivery.
 *
 * @throws NotQueuedError if some could not be queued.
 */
async function queueEvents(
  result: QueueableEvents,
  { config, mappings, jobs, queue }: WebhookDeployment,
): Promise<Queued> {
  const deps = { config, mappings, jobs, queue };
  const images = result.events.map(({ image, digest }) => ({ key: imageKey(image), toldDigest: digest }));
  // Images first: a signature is added to an image that must already be there, and jobs of one
  // repository run in turn.
  const queued = await enqueue(images, 'webhook', deps);
  const signatures = result.signatures.map((subject) => ({ key: imageKey(subject) }));
  queued.push(...(await enqueue(signatures, 'signature', deps)));
  const deletions = result.deletions.map(({ image: { tag, digest, ...place } }) => ({
    key: imageKey(tag === undefined ? { ...place, digest } : { ...place, tag }),
    toldDigest: digest,
  }));
  queued.push(...(await enqueue(deletions, 'deletion', deps)));
  return {
    accepted: queued.map((job) => ({ image: formatImageKey(job.key), job: job.id })),
    ignored: result.ignored,
  };
}

/** Makes the handler of deliveries, and of the events that EventBridge brings. */
export function createHandler(deployment: WebhookDeployment) {
  const receiver = { deployment, arrivals: new ArrivalNotes(deployment) };
  return middy((event: APIGatewayProxyEventV2 | BusEvent) =>
    about(deliveryKeys(event), () => traced('delivery', () => run(event, receiver))),
  )
    .use(injectLambdaContext(logger))
    .use(publishMetrics());
}

export const handler = createHandler(new WebhookDeployment(process.env));
