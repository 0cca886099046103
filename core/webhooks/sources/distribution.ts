import * as z from 'zod';
import type { Upstream } from '../../config/config.ts';
import { isManifestType } from '../../oci/media-types.ts';
import { headerOption, hostOption } from '../options.ts';
import { type EventReading, excerpt, ignore, imagePushed, malformed, outcomeOf } from '../outcome.ts';
import type { WebhookSource } from '../source.ts';
import { isUpstreamHost } from '../upstream-host.ts';

const options = z.strictObject({
  /** Where the registry's `notifications.endpoints[].headers` puts the secret. */
  header: headerOption('Authorization'),
  /** What clients call the registry, where that is neither the upstream's registry nor its endpoint's host. */
  host: hostOption,
});

type Options = z.output<typeof options>;

const envelope = z.object({ events: z.array(z.unknown()) });
const decision = z.object({ action: z.string() });
const pushed = z.object({
  target: z.object({ mediaType: z.string(), tag: z.string().nullish(), digest: z.unknown().optional() }),
});
const named = z.object({
  target: z.object({ repository: z.string() }),
  request: z.object({ host: z.string() }),
});

/** A real event has some hundreds of bytes, so that a body within the limit holds no more than this. */
const maxEvents = 10_000;

/**
 * CNCF Distribution, and whatever has it inside. Each event of the envelope is looked at by itself: one that makes no sense does not
 * spoil the others. `request.host` is what the client of the registry said, so that it is checked and not taken.
 */
export const distribution: WebhookSource<Options> = {
  name: 'distribution',
  title: 'CNCF Distribution',
  optionsSchema: options,
  authentication: ({ header }) => ({ kind: 'header', header: header.toLowerCase() }),
  receive({ body, upstream, options: { host } }) {
    const parsed = envelope.safeParse(body);
    if (!parsed.success) return outcomeOf([ignore(malformed(parsed.error, body))]);
    const { events } = parsed.data;
    const readings = events
      .slice(0, maxEvents)
      .map((event, index) => read(event, `events[${index}]`, upstream, host));
    if (events.length > maxEvents)
      readings.push(ignore(`malformed: events has ${events.length} items, and only ${maxEvents} were read`));
    return outcomeOf(readings);
  },
  sample: ({ registry, repository, tag, digest, mediaType }, { host }) => ({
    body: {
      events: [
        {
          action: 'push',
          target: { mediaType, repository, tag, digest },
          request: { host: host ?? registry },
        },
      ],
    },
  }),
  guide: {
    where: 'the registry’s configuration: `notifications.endpoints`',
    steps: [
      'Add to the configuration file of the registry:\n\n```yaml\nnotifications:\n  endpoints:\n    - name: {name}\n      url: {url}\n      headers:\n        {header}: [{secret}]\n      timeout: 2s\n      threshold: 3\n      backoff: 10s\n      ignore:\n        actions: [pull, mount]\n```',
      'Restart the registry.',
    ],
    accepted: 'any event of the envelope with the action `push`, a tag and the media type of a manifest',
    ignored: {
      not_a_push: 'the action is another: `pull`, `mount`, `delete`',
      not_an_image: 'a blob was pushed, which is called push too',
      no_tag: 'the push was by digest, as that of the children of an index is',
      other_registry:
        '`request.host` is neither the upstream’s registry, its endpoint’s host nor the option `host`',
    },
    reference: 'the upstream’s registry and `target.repository`',
    notes: [
      'The registry tries again until it gets a 2xx, in order, so that one refused delivery holds up all later ones: mind the secret.',
      "GitLab’s self-managed registry is configured alike: `registry['notifications']` in `gitlab.rb`.",
    ],
    documentation: 'https://distribution.github.io/distribution/about/notifications/',
  },
};

function read(event: unknown, path: string, upstream: Upstream, host: string | undefined): EventReading {
  const decided = decision.safeParse(event);
  if (!decided.success) return ignore(malformed(decided.error, event, path));
  if (decided.data.action !== 'push')
    return ignore(`not_a_push: ${path}.action is ${excerpt(decided.data.action)}`);

  const target = pushed.safeParse(event);
  if (!target.success) return ignore(malformed(target.error, event, path));
  const { mediaType, tag } = target.data.target;
  if (!isManifestType(mediaType))
    return ignore(`not_an_image: ${path}.target.mediaType is ${excerpt(mediaType)}`);
  if (tag === undefined || tag === null || tag === '')
    return ignore(`no_tag: ${path}.target.tag is missing or empty`);

  const place = named.safeParse(event);
  if (!place.success) return ignore(malformed(place.error, event, path));
  if (!isUpstreamHost(upstream, place.data.request.host, host))
    return ignore(
      `other_registry: ${path}.request.host is ${excerpt(place.data.request.host)}, and the webhook’s upstream is ${upstream.registry}; see webhook.options.host`,
    );
  return imagePushed(
    { registry: upstream.registry, repository: place.data.target.repository, tag },
    { repository: `${path}.target.repository`, tag: `${path}.target.tag` },
    target.data.target.digest,
  );
}
