import { z } from 'zod';
import type { Upstream } from '../../config/config.ts';
import { hostPattern, textLike } from '../../config/fields.ts';
import { isManifestType } from '../../oci/media-types.ts';
import { type EventReading, excerpt, ignore, imagePushed, malformed, outcomeOf } from '../outcome.ts';
import type { WebhookSource } from '../source.ts';

const defaultHeader = 'Authorization';

const options = z.strictObject({
  /** RFC 9110 field name; where the registry's `notifications.endpoints[].headers` puts the secret. */
  header: textLike(
    { what: 'the name of a header', example: defaultHeader },
    /^[\w!#$%&'*+.^`|~-]{1,100}$/,
  ).default(defaultHeader),
  /** What clients call the registry, where that is neither the upstream's registry nor its endpoint's host. */
  host: textLike(
    { what: 'a host with optional port', example: 'registry.example.com' },
    hostPattern,
  ).optional(),
});

type Options = z.output<typeof options>;

const envelope = z.object({ events: z.array(z.unknown()) });
const decision = z.object({ action: z.string() });
const pushed = z.object({ target: z.object({ mediaType: z.string(), tag: z.string().nullish() }) });
const named = z.object({
  target: z.object({ repository: z.string() }),
  request: z.object({ host: z.string() }),
});

/** A real event has some hundreds of bytes, so that a body within the limit holds no more than this. */
const maxEvents = 10_000;

/**
 * CNCF Distribution, and whatever has it inside. https://distribution.github.io/distribution/about/notifications/
 *
 * - Authentic: by a fixed header that the operator sets in the registry's configuration; its whole value is the secret.
 * - Accepted: any of the envelope's events with the action `push`, a tag and a manifest's media type. Each event is looked at
 *   by itself: one that makes no sense does not spoil the others.
 * - Ignored: `pull`, `mount`, `delete` (`not_a_push`); pushes of blobs, which are called push too (`not_an_image`); pushes by
 *   digest, as the children of an index are (`no_tag`); events of another host (`other_registry`).
 * - Reference: `request.host` is what the client of the registry said. It must be the upstream's registry, its endpoint's host
 *   or the option `host`; the reference then has the upstream's registry.
 */
export const distribution: WebhookSource<Options> = {
  name: 'distribution',
  title: 'CNCF Distribution',
  optionsSchema: options,
  authentication: ({ header = defaultHeader }) => ({ kind: 'header', header: header.toLowerCase() }),
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
  if (!hostsOf(upstream, host).includes(place.data.request.host.toLowerCase()))
    return ignore(
      `other_registry: ${path}.request.host is ${excerpt(place.data.request.host)}, and the webhook’s upstream is ${upstream.registry}; see webhook.options.host`,
    );
  return imagePushed(
    { registry: upstream.registry, repository: place.data.target.repository, tag },
    { repository: `${path}.target.repository`, tag: `${path}.target.tag` },
  );
}

/** What the upstream is called in `Host` headers. Clients leave out the port where it is the scheme's own, proxies may not. */
function hostsOf(upstream: Upstream, host: string | undefined): string[] {
  const endpoint = new URL(upstream.endpoint);
  const port = endpoint.port || (endpoint.protocol === 'http:' ? '80' : '443');
  return [
    upstream.registry,
    endpoint.host,
    `${endpoint.hostname}:${port}`,
    ...(host === undefined ? [] : [host]),
  ];
}
