import { z } from 'zod';
import { type EventReading, excerpt, ignore, imagePushed, malformed, outcomeOf } from '../outcome.ts';
import type { WebhookSource } from '../source.ts';

/** The event that repository and organisation hooks send, and the one that GitHub Apps send; also the body's root key. */
const packageEvents = ['package', 'registry_package'];
/** `create` is what older versions send. */
const pushActions = ['published', 'updated', 'create'];
/** `docker` is the legacy name. */
const containerTypes = ['container', 'docker'];

const decision = z.object({ action: z.string() });
const kind = z.object({ package_type: z.string() });
const name = z.object({
  name: z.string(),
  namespace: z.string().nullish(),
  owner: z.object({ login: z.string().nullish() }).nullish(),
});
/** `version` and `name` of `package_version` are digests: the tag stands in the metadata, empty for an untagged push. */
const version = z.object({
  package_version: z
    .object({
      container_metadata: z.object({ tag: z.object({ name: z.string().nullable() }).nullable() }).nullable(),
    })
    .nullable(),
});

/**
 * GitHub Container Registry. https://docs.github.com/webhooks/webhook-events-and-payloads#package
 *
 * - Authentic: by `X-Hub-Signature-256: sha256=<hex>`, the HMAC-SHA256 of the raw body. The webhook's content type must be
 *   `application/json`: a form is not JSON and gets 400.
 *   https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
 * - Answered: `ping`, with 200.
 * - Accepted: `package` and `registry_package`, published or updated, of a container with a tag.
 * - Ignored: other events and actions (`not_a_push`), other packages (`not_an_image`), untagged versions (`no_tag`).
 * - Reference: the registry is the webhook's own upstream (`ghcr.io`, or a GitHub Enterprise server's), the repository
 *   `namespace` or else `owner.login`, a slash and `name`, all in lower case, since GitHub keeps the case of account names.
 *   `repository` may be absent from the payload and is not looked at.
 */
export const github: WebhookSource<Record<string, never>> = {
  name: 'github',
  title: 'GitHub Container Registry',
  home: 'ghcr.io',
  optionsSchema: z.strictObject({}),
  authentication: () => ({
    kind: 'hmac',
    header: 'x-hub-signature-256',
    algorithm: 'sha256',
    encoding: 'hex',
    prefix: 'sha256=',
  }),
  receive({ headers, body, upstream }) {
    const event = headers['x-github-event'];
    if (event === 'ping')
      return { kind: 'answer', status: 200, headers: {}, body: { accepted: [], ignored: [] } };
    return outcomeOf([read(event, body, upstream.registry)]);
  },
};

function read(event: string | undefined, body: unknown, registry: string): EventReading {
  if (event === undefined) return ignore('malformed: the header X-GitHub-Event is missing');
  if (!packageEvents.includes(event)) return ignore(`not_a_push: the event is ${excerpt(event)}`);

  const decided = decision.safeParse(body);
  if (!decided.success) return ignore(malformed(decided.error, body));
  if (!pushActions.includes(decided.data.action))
    return ignore(`not_a_push: the action is ${excerpt(decided.data.action)}`);

  const pushed = (body as Record<string, unknown>)[event];
  const typed = kind.safeParse(pushed);
  if (!typed.success) return ignore(malformed(typed.error, pushed, event));
  if (!containerTypes.includes(typed.data.package_type.toLowerCase()))
    return ignore(`not_an_image: the package type is ${excerpt(typed.data.package_type)}`);

  const versioned = version.safeParse(pushed);
  if (!versioned.success) return ignore(malformed(versioned.error, pushed, event));
  const tag = versioned.data.package_version?.container_metadata?.tag?.name;
  if (tag === undefined || tag === null || tag === '')
    return ignore(`no_tag: ${event}.package_version.container_metadata.tag.name is empty`);

  const named = name.safeParse(pushed);
  if (!named.success) return ignore(malformed(named.error, pushed, event));
  const owner = named.data.namespace || named.data.owner?.login;
  if (!owner) return ignore(`malformed: ${event}.namespace and ${event}.owner.login are both missing`);
  return imagePushed(
    { registry, repository: `${owner}/${named.data.name}`.toLowerCase(), tag },
    {
      repository: `${event}.namespace and ${event}.name`,
      tag: `${event}.package_version.container_metadata.tag.name`,
    },
  );
}
