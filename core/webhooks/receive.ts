import type { Config } from '../config/config.ts';
import { formatReference, type Reference } from '../oci/reference.ts';
import { type SubjectReference, selectImage, selectSubject } from '../policy/select-image.ts';
import { type ConfiguredWebhook, configuredWebhooks, webhookPath } from './find-webhook.ts';
import { imageName } from './outcome.ts';
import { presentSecret } from './present-secret.ts';
import type { WebhookSecrets } from './secrets.ts';
import type {
  IgnoredEvent,
  PushEvent,
  WebhookAnswer,
  WebhookAuthentication,
  WebhookOutcome,
} from './source.ts';
import { isAuthentic } from './verify.ts';

/** A body above this is not read. GitHub sends up to 25 MB, though never for a package. */
export const maxBodyBytes = 1024 * 1024;

/**
 * One delivery queues this many images at most: more could not be queued before its sender, or API Gateway, gives up waiting, and would
 * begin from the start with each repeat. Senders name one image, or the tags of one push.
 */
const maxImages = 1000;
/** An answer has room for this many reasons. */
const maxIgnored = 1000;

/** A request to `/webhooks/{name}[/{token}]`. */
export interface WebhookRequest {
  method: string;
  name: string;
  token?: string;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  /** As it came, undecoded. */
  body: Uint8Array;
  /** Scheme and host by which the API was reached. */
  origin: string;
}

/** What receiving needs besides the request. */
export interface ReceiveDependencies {
  config: Config;
  secrets: WebhookSecrets;
  /** The account whose registry the mirror is; absent where the mirror is not at AWS. */
  account?: string | undefined;
  now?: () => Date;
}

/** What is to be done about a request; the names of the fields are those of the answer. */
export type WebhookResult =
  /** Nothing was read; `message` is fit for the sender. */
  | {
      kind: 'refused';
      status: 400 | 401 | 404 | 405 | 413;
      headers: Record<string, string>;
      code: string;
      message: string;
    }
  | WebhookAnswer
  /**
   * Queue the events, each a different image, then the `signatures`, each another image that something was added to, and answer
   * 202 with what was accepted and ignored.
   */
  | {
      kind: 'events';
      status: 202;
      events: PushEvent[];
      signatures: SubjectReference[];
      ignored: IgnoredEvent[];
    };

/**
 * Receives a webhook's delivery, in this order: name and path token (404), method (405), size (413), authenticity (401), JSON
 * (400). An authentic delivery is never refused for what it says: senders that retry a 4xx for ever would block.
 *
 * An unknown name and a wrong token take the same way and get the same answer, so that names can't be found by trying.
 *
 * @throws only what `secrets` throws, and OidcUnavailableError.
 */
export async function receiveWebhook(
  request: WebhookRequest,
  deps: ReceiveDependencies,
): Promise<WebhookResult> {
  const webhooks = configuredWebhooks(deps.config);
  const named = webhooks.find(({ webhook }) => webhook.name === request.name);
  // For an unknown name another webhook's secrets stand in, for the sake of the time it takes.
  const standIn = named ?? webhooks[0];
  if (standIn === undefined) return notFound();
  const { webhook, source, upstream } = standIn;
  const authentication = source.authentication(webhook.options);
  const isProven = verifier(standIn, request, deps);

  const wantsToken = authentication.kind === 'path-token';
  const tokenFits = (wantsToken || request.token !== undefined) && (await isProven({ kind: 'path-token' }));
  if (named === undefined || (wantsToken ? !tokenFits : request.token !== undefined)) return notFound();
  if (request.method === 'OPTIONS' && source.handshake)
    return source.handshake(request.headers) ?? wrongMethod('POST, OPTIONS');
  if (request.method !== 'POST') return wrongMethod(source.handshake ? 'POST, OPTIONS' : 'POST');
  if (request.body.byteLength > maxBodyBytes)
    return refused(413, 'too_large', `the body has more than ${maxBodyBytes} bytes`);

  const proven = wantsToken ? true : isProven(authentication);
  const body = parseBody(request.body); // while the secrets are on their way
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

/** Makes the check of a request's proof, which reads the secrets again, at a bounded rate, before it says no. */
function verifier(
  { webhook, source }: ConfiguredWebhook,
  request: WebhookRequest,
  { secrets, now = () => new Date() }: ReceiveDependencies,
): (authentication: WebhookAuthentication) => Promise<boolean> {
  const proof = { ...request, url: request.origin + webhookPath(webhook.name) };
  const own = source.authentication(webhook.options);
  return async (authentication) => {
    const fits = (found: { secrets: string[] }) => {
      const presented = found.secrets.map((secret) => presentSecret(own, secret));
      return isAuthentic(authentication, proof, presented, now());
    };
    if (authentication.kind === 'oidc') return await fits({ secrets: [] });
    if (await fits(await secrets.forWebhook(webhook.name))) return true;
    const again = await secrets.reread(webhook.name);
    return again !== undefined && (await fits(again));
  };
}

function parseBody(bytes: Uint8Array): { value: unknown } | { problem: string } {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { problem: 'the body is not UTF-8' };
  }
  try {
    return { value: JSON.parse(text) };
  } catch {
    return { problem: 'the body is not JSON; have the sender use the content type application/json' };
  }
}

/**
 * Each image once, and only those that the webhook may speak for and the configuration mirrors. What is pushed under a tag of
 * cosign's, or the referrers fallback tag, is an event of the image that it belongs to. An artifact that is pushed by digest
 * alone (with a `subject`, into a registry that has the referrers API) is no event of a tag, and sources ignore it.
 */
export function decide(
  outcome: WebhookOutcome,
  registry: string,
  { config, account }: Pick<ReceiveDependencies, 'config' | 'account'>,
): WebhookResult {
  if (outcome.kind === 'answer') return outcome;
  const images = new Map(outcome.events.map((event) => [imageName(event), event]));
  const events: PushEvent[] = [];
  const signatures = new Map<string, SubjectReference>();
  const ignored = [...outcome.ignored];
  for (const [image, event] of images) {
    const signed = selectSubject(config, event.image);
    const selection = signed ?? selectImage(config, event.image);
    if (event.image.registry !== registry)
      ignored.push({ image, reason: `other_registry: the webhook speaks for ${registry}` });
    else if (isOwnMirror(event.image, config, account))
      ignored.push({
        image,
        reason: 'own_mirror: the image is a copy in this mirror, which is not mirrored again',
      });
    else if (!selection.mirrored) ignored.push({ image, reason: selection.reason });
    else if (signed?.mirrored) signatures.set(formatReference(signed.subject), signed.subject);
    else events.push(event);
  }
  const left = signatures.size + events.length - maxImages;
  if (left > 0) {
    const subjects = [...signatures.keys()].slice(Math.max(0, maxImages - events.length));
    for (const subject of subjects) signatures.delete(subject);
    events.splice(maxImages);
    ignored.unshift({
      reason: `too_many: ${left} of the images that the delivery names; it queues the first ${maxImages}, and reconcile finds the others`,
    });
  }
  if (ignored.length > maxIgnored) {
    const more = ignored.length - maxIgnored;
    ignored.splice(maxIgnored, more, { reason: `truncated: ${more} more were ignored` });
  }
  return { kind: 'events', status: 202, events, signatures: [...signatures.values()], ignored };
}

/** Whether an image is one of the mirror's own, by whichever name: to mirror those would go round for ever. */
function isOwnMirror({ registry, repository }: Reference, config: Config, account?: string): boolean {
  const { regions, repositoryPrefix } = config.mirror;
  const own = regions.flatMap((region) => [
    `${account}.dkr.ecr.${region}.amazonaws.com`,
    `${account}.dkr.ecr.${region}.amazonaws.com.cn`,
    `${account}.dkr-ecr.${region}.on.aws`,
  ]);
  const endpoint = config.upstreams.find((upstream) => upstream.registry === registry)?.endpoint;
  const names = [registry, ...(endpoint === undefined ? [] : [new URL(endpoint).host])];
  return (
    account !== undefined &&
    names.some((name) => own.includes(name)) &&
    repository.startsWith(`${repositoryPrefix}/`)
  );
}

function notFound(): WebhookResult {
  return refused(404, 'not_found', 'there is no such webhook, or the token in the path is wrong');
}

function wrongMethod(allow: string): WebhookResult {
  return refused(405, 'method_not_allowed', 'webhooks are delivered by POST', { allow });
}

function refused(
  status: 400 | 401 | 404 | 405 | 413,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): WebhookResult {
  return { kind: 'refused', status, headers, code, message };
}
