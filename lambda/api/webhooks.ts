import { configuredWebhooks } from '../../core/webhooks/find-webhook.ts';
import { presentWebhook } from '../../core/webhooks/present-webhook.ts';
import { rotateSecret } from '../../core/webhooks/secrets/rotate.ts';
import { newWebhookState } from '../../core/webhooks/secrets/state.ts';
import { HttpError, type HttpResponse, json } from '../shared/http.ts';
import { logger } from '../shared/telemetry.ts';
import type { Call } from './call.ts';
import { parseBody } from './parse-input.ts';
import { rotateBody } from './schemas/request.ts';

/**
 * `GET /v1/webhooks`: the address of each, what to enter at the sender, and when deliveries
 * arrived. Only the operator sees secrets.
 */
export async function getWebhooks({ request, caller, deployment }: Call): Promise<HttpResponse> {
  const isOperator = caller === 'operator';
  const [states, roots] = await Promise.all([
    deployment.webhookStates.list(),
    isOperator ? deployment.webhookRoots() : undefined,
  ]);
  const webhooks = configuredWebhooks(deployment.config).map((configured) =>
    presentWebhook(configured, states.get(configured.webhook.name) ?? newWebhookState, {
      roots,
      origin: request.origin,
      now: new Date(),
    }),
  );
  return json(200, { webhooks });
}

/**
 * `POST /v1/webhooks/{name}/rotate`: makes a new secret; the previous one is accepted for another
 * day, or for `keepSeconds`.
 */
export async function rotateWebhook({ request, parameter: name, deployment }: Call): Promise<HttpResponse> {
  const configured = configuredWebhooks(deployment.config).find(({ webhook }) => webhook.name === name);
  if (!configured) throw new HttpError(404, 'not_found', 'there is no webhook with this name');
  if (configured.source.authentication(configured.webhook.options).kind === 'oidc')
    throw new HttpError(409, 'no_secret', `${name} has no secret: its sender signs with a key of its own`);
  const { keepSeconds } =
    request.body.byteLength === 0 ? rotateBody.parse({}) : parseBody(request, rotateBody);
  const now = new Date();
  const rotated = await rotateSecret(deployment.webhookStates, name, keepSeconds, now);
  if (!rotated)
    throw new HttpError(409, 'conflict', `somebody else is rotating the secret of ${name}: check again`);
  logger.info('a webhook secret was rotated', { webhook: name, generation: rotated.generation, keepSeconds });
  const roots = await deployment.webhookRoots();
  return json(200, presentWebhook(configured, rotated, { roots, origin: request.origin, now }));
}
