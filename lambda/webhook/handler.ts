import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { enqueue } from '../../core/jobs/enqueue.ts';
import { formatImageKey, imageKey } from '../../core/mapping/record.ts';
import { receiveWebhook, type WebhookResult } from '../../core/webhooks/receive.ts';
import { errorResponse, HttpError, type HttpResponse, httpRequest, json } from '../shared/http.ts';
import { config, jobs, mappings, queue, webhookSecrets } from '../shared/services.ts';
import { logger, metrics } from '../shared/telemetry.ts';

/** Verifies a delivery and queues what it says. Answers 202 only after the queue has every job. */
async function run(event: APIGatewayProxyEventV2): Promise<HttpResponse> {
  const request = httpRequest(event);
  const route = /^\/webhooks\/([^/]+)(?:\/([^/]+))?$/.exec(request.path);
  const name = route?.[1] ?? '';
  try {
    if (!route) throw new HttpError(404, 'not_found', 'there is no such route');
    const { method, headers, body, origin } = request;
    const result = await receiveWebhook(
      { method, name, token: route[2], headers, body, origin },
      { config: config(), secrets: webhookSecrets(), account: process.env.DRAYAGE_ACCOUNT },
    );
    return await answer(name, result);
  } catch (error) {
    if (error instanceof HttpError) return errorResponse(error);
    // Secrets, table or queue can't be had. Nothing of it is the sender's fault: it shall send again.
    logger.error('the delivery could not be queued', { webhook: name, error: error as Error });
    metrics.addMetric('WebhookUnavailable', MetricUnit.Count, 1);
    return errorResponse(
      new HttpError(503, 'not_queued', 'not everything could be queued: send the delivery again', {
        'retry-after': '60',
      }),
    );
  }
}

async function answer(name: string, result: WebhookResult): Promise<HttpResponse> {
  if (result.kind === 'refused') {
    // The name is known to be ours only when it is not a 404; a guessed one does not belong into the log.
    const webhook = result.status === 404 ? undefined : name;
    logger.warn('a delivery was refused', { webhook, status: result.status, code: result.code });
    metrics.addMetric('WebhookRefused', MetricUnit.Count, 1);
    throw new HttpError(result.status, result.code, result.message, result.headers);
  }
  if (result.kind === 'answer') return json(result.status, result.body, result.headers);

  const deps = { config: config(), mappings: mappings(), jobs: jobs(), queue: queue() };
  const images = result.events.map(({ image }) => imageKey(image));
  // Images first: a signature is added to an image that is there, and jobs of one repository run in turn.
  const queued = await enqueue(images, 'webhook', deps);
  queued.push(...(await enqueue(result.signatures.map(imageKey), 'signature', deps)));
  const accepted = queued.map((job) => ({ image: formatImageKey(job.key), job: job.id }));
  logger.info('a delivery was taken', { webhook: name, accepted, ignored: result.ignored });
  metrics.addMetric('WebhookAccepted', MetricUnit.Count, accepted.length);
  metrics.addMetric('WebhookIgnored', MetricUnit.Count, result.ignored.length);
  return json(202, { accepted, ignored: result.ignored });
}

export const handler = middy(run).use(injectLambdaContext(logger)).use(logMetrics(metrics));
