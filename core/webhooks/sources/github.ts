import * as z from 'zod';
import type { WebhookSource } from '../source.ts';
import { type EventReading, excerpt, ignore, imagePushed, malformed, outcomeOf } from './shared/outcome.ts';

/**
 * The event that repository and organisation hooks send, and the one that GitHub Apps send. Each is
 * also the root key of its body.
 */
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
/**
 * `version` and `name` of `package_version` are digests. The tag is in the metadata; it is empty
 * for an untagged push.
 */
const version = z.object({
  package_version: z
    .object({
      container_metadata: z
        .object({ tag: z.object({ name: z.string().nullable(), digest: z.unknown().optional() }).nullable() })
        .nullable(),
    })
    .nullable(),
});

/**
 * GitHub Container Registry, or that of a GitHub Enterprise server. GitHub keeps the case of
 * account names, but references are in lower case.
 * https://docs.github.com/webhooks/webhook-events-and-payloads#package
 * https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
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
  sample({ repository, tag, digest, mediaType }) {
    const [namespace, ...rest] = repository.split('/');
    const manifest = { digest, media_type: mediaType };
    const pushed = { name: rest.join('/'), namespace, package_type: 'CONTAINER' };
    const metadata = { tag: { name: tag, digest }, manifest };
    return {
      headers: { 'x-github-event': 'package' },
      body: {
        action: 'published',
        package: { ...pushed, package_version: { version: digest, container_metadata: metadata } },
      },
    };
  },
  guide: {
    where: 'organisation or repository → Settings → Webhooks',
    steps: [
      'Open *Settings*, then *Webhooks*, of the organisation (all of its packages) or of one repository, and choose *Add webhook*.',
      'Payload URL: `{url}`. Content type: `application/json` (a form, the default, also works). Secret: `{secret}`.',
      'Choose *Let me select individual events*, then *Packages* (for GitHub Apps: *Registry packages*) and nothing else.',
      'Choose *Add webhook*. GitHub sends a ping at once, which is answered 200.',
    ],
    accepted:
      'the events `package` and `registry_package` with the action `published`, `updated` or `create`, for a package of the type `container` or `docker` with a tag',
    ignored: {
      not_a_push: 'another event or action',
      not_an_image: 'a package whose type is neither `container` nor `docker`',
      no_tag: 'the version has no tag',
    },
    reference: 'the upstream’s registry, `namespace` or else `owner.login`, and `name`, in lower case',
    notes: [
      'GitHub does not retry by itself. Failed deliveries are under *Recent Deliveries*, where you can redeliver them.',
    ],
    documentation: 'https://docs.github.com/webhooks/webhook-events-and-payloads#package',
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
  if (!tag) return ignore(`no_tag: ${event}.package_version.container_metadata.tag.name is empty`);

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
    versioned.data.package_version?.container_metadata?.tag?.digest,
  );
}
