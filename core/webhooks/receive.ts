import { isAllowedAddress } from './authenticity/allowed-address.ts';
import { isAuthentic } from './authenticity/verify.ts';
import { type DecideDependencies, decide, type QueueableEvents } from './decide.ts';
import { configuredWebhooks, webhookPath } from './find-webhook.ts';
import { presentSecret } from './secrets/present-secret.ts';
import type { WebhookSecrets } from './secrets/secrets.ts';
import type { WebhookAnswer, WebhookAuthentication } from './source.ts';

/** Larger bodies are not read. GitHub sends up to 25 MB, but never for a package. */
export const maxBodyBytes = 1024 * 1024;

/** A request to `/webhooks/{name}[/{token}]`. */
export interface WebhookRequest {
  method: string;
  name: string;
  token?: string;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  /** As received, undecoded. */
  body: Uint8Array;
  /** The scheme and host at which the API was reached. */
  origin: string;
  /** The address that the connection came from, as API Gateway saw it: never from a header. */
  sourceIp?: string | undefined;
}

/** What receiving needs besides the request. */
export interface ReceiveDependencies extends DecideDependencies {
  secrets: WebhookSecrets;
  now?: () => Date;
}

/** What to do about a request; the fields have the names that the answer uses. */
export type WebhookResult =
  /** Nothing was read; `message` is safe to show the sender. */
  | {
      kind: 'refused';
      status: 400 | 401 | 403 | 404 | 405 | 413;
      headers: Record<string, string>;
      code: string;
      message: string;
    }
  | WebhookAnswer
  | QueueableEvents;

/**
 * Receives a webhook's delivery, in this order: name and path token (404), address (403), method
 * (405), size (413), authenticity (401), JSON (400). An authentic delivery is never refused because
 * of its content: senders that retry a 4xx forever would get stuck.
 *
 * An unknown name and a wrong token take the same path and get the same answer, so that names can't
 * be found by guessing.
 *
 * @throws only what `secrets` throws, and OidcUnavailableError.
 */
export async function receiveWebhook(
  request: WebhookRequest,
  deps: ReceiveDependencies,
): Promise<WebhookResult> {
  const webhooks = configuredWebhooks(deps.config);
  const named = webhooks.find(({ webhook }) => webhook.name === request.name);
  // For an unknown name, another webhook's secrets are checked, so that it takes the same time.
  const standIn = named ?? webhooks[0];
  if (standIn === undefined) return notFound();
  const { webhook, source, upstream } = standIn;
  const authentication = source.authentication(webhook.options);
  const isProven = verifier(webhook.name, authentication, request, deps);

  const wantsToken = authentication.kind === 'path-token';
  const tokenFits = (wantsToken || request.token !== undefined) && (await isProven({ kind: 'path-token' }));
  if (named === undefined || (wantsToken ? !tokenFits : request.token !== undefined)) return notFound();
  if (webhook.allow !== undefined && !isAllowedAddress(request.sourceIp, webhook.allow))
    return refused(
      403,
      'address_not_allowed',
      'the delivery comes from an address that the webhook’s `allow` does not name',
    );
  if (request.method === 'OPTIONS' && source.handshake)
    return source.handshake(request.headers) ?? wrongMethod('POST, OPTIONS');
  if (request.method !== 'POST') return wrongMethod(source.handshake ? 'POST, OPTIONS' : 'POST');
  if (request.body.byteLength > maxBodyBytes)
    return refused(413, 'too_large', `the body has more than ${maxBodyBytes} bytes`);

  const proven = wantsToken ? true : isProven(authentication);
  const body = parseBody(request); // while the secrets are loading
  if (!(await proven))
    return refused(
      401,
      'not_authentic',
      'the delivery does not prove that it comes from this webhook’s sender',
    );
  if ('problem' in body) return refused(400, 'invalid_json', body.problem);
  const delivery = { headers: request.headers, body: body.value, upstream, options: webhook.options };
  return decide(source.receive(delivery), upstream.registry, deps);
}

/**
 * Returns a function that checks the request's proof. Before it rejects a proof, it reads the
 * secrets again, at a limited rate.
 */
function verifier(
  name: string,
  own: WebhookAuthentication,
  request: WebhookRequest,
  { secrets, now = () => new Date() }: ReceiveDependencies,
): (authentication: WebhookAuthentication) => Promise<boolean> {
  const proof = { ...request, url: request.origin + webhookPath(name) };
  return async (authentication) => {
    const fits = (found: { secrets: string[] }) => {
      const presented = found.secrets.map((secret) => presentSecret(own, secret));
      return isAuthentic(authentication, proof, presented, now());
    };
    if (authentication.kind === 'oidc') return await fits({ secrets: [] });
    if (await fits(await secrets.forWebhook(name))) return true;
    const again = await secrets.reread(name);
    return again !== undefined && (await fits(again));
  };
}

/**
 * The JSON of a delivery. GitHub, Gitea and others can send it as the field `payload` of a form,
 * which is GitHub's default. They sign the form as it is sent.
 * https://docs.github.com/webhooks/using-webhooks/creating-webhooks#creating-a-repository-webhook
 */
function parseBody({
  headers,
  body,
}: Pick<WebhookRequest, 'headers' | 'body'>): { value: unknown } | { problem: string } {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    return { problem: 'the body is not UTF-8' };
  }
  if (/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(headers['content-type']?.trim() ?? '')) {
    const payload = new URLSearchParams(text).get('payload');
    if (payload === null)
      return { problem: 'the body is a form without the field payload; send application/json' };
    text = payload;
  }
  try {
    return { value: JSON.parse(text) };
  } catch {
    return { problem: 'the body is not JSON; have the sender use the content type application/json' };
  }
}

function notFound(): WebhookResult {
  return refused(404, 'not_found', 'there is no such webhook, or the token in the path is wrong');
}

function wrongMethod(allow: string): WebhookResult {
  return refused(405, 'method_not_allowed', 'webhooks are delivered by POST', { allow });
}

function refused(
  status: 400 | 401 | 403 | 404 | 405 | 413,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): WebhookResult {
  return { kind: 'refused', status, headers, code, message };
}
