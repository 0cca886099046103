import * as z from 'zod';
import type { Upstream } from '../../../config/config.ts';
import { isManifestType } from '../../../oci/media-types.ts';
import type { SampleImage } from '../../source.ts';
import {
  type EventReading,
  excerpt,
  fieldAt,
  ignore,
  imageDeleted,
  imagePushed,
  malformed,
  readEach,
} from './outcome.ts';
import { isUpstreamHost, otherRegistry } from './upstream-host.ts';

const envelope = z.object({ events: z.array(z.unknown()) });
const decision = z.object({ action: z.string() });
const pushed = z.object({
  target: z.object({ mediaType: z.string(), tag: z.string().nullish(), digest: z.unknown().optional() }),
});
/**
 * Deletions name a tag or a digest, and no media type: the digest may be a blob's, which is no
 * image's. https://github.com/distribution/distribution/blob/main/notifications/bridge.go
 */
const deleted = z.object({
  target: z.object({ tag: z.string().nullish(), digest: z.unknown().optional() }),
});
const named = z.object({
  target: z.object({ repository: z.string() }),
  request: z.object({ host: z.string() }),
});

/**
 * A real event has some hundreds of bytes, so a body within the size limit has fewer than this.
 */
const maxEvents = 10_000;

/**
 * Reads the envelope that CNCF Distribution sends.
 * https://distribution.github.io/distribution/about/notifications/
 *
 * @param host the webhook's option `host`
 */
export function readDistributionEnvelope(body: unknown, upstream: Upstream, host?: string): EventReading[] {
  const parsed = envelope.safeParse(body);
  if (!parsed.success) return [ignore(malformed(parsed.error, body))];
  return readEach(parsed.data.events, 'events', maxEvents, (event, path) =>
    readDistributionEvent(event, path, upstream, host),
  );
}

/**
 * Reads one event of an envelope, or another event of the same form. `request.host` comes from the
 * registry's client, so it is only checked and not used in the reference.
 *
 * @param path the event's path in the payload; empty: it is the body
 */
export function readDistributionEvent(
  event: unknown,
  path: string,
  upstream: Upstream,
  host?: string,
): EventReading {
  const at = (field: string) => fieldAt(path, field);
  const decided = decision.safeParse(event);
  if (!decided.success) return ignore(malformed(decided.error, event, path));
  if (decided.data.action === 'delete') {
    const target = deleted.safeParse(event);
    if (!target.success) return ignore(malformed(target.error, event, path));
    return placed(event, path, { upstream, host }, (place, paths) =>
      imageDeleted({ ...place, ...target.data.target }, paths),
    );
  }
  if (decided.data.action !== 'push')
    return ignore(`not_a_push: ${at('action')} is ${excerpt(decided.data.action)}`);

  const target = pushed.safeParse(event);
  if (!target.success) return ignore(malformed(target.error, event, path));
  const { mediaType, tag } = target.data.target;
  if (!isManifestType(mediaType))
    return ignore(`not_an_image: ${at('target.mediaType')} is ${excerpt(mediaType)}`);
  if (!tag) return ignore(`no_tag: ${at('target.tag')} is missing or empty`);
  return placed(event, path, { upstream, host }, (place, paths) =>
    imagePushed({ ...place, tag }, paths, target.data.target.digest),
  );
}

/** Reads where an event happened, if that is the upstream. */
function placed(
  event: unknown,
  path: string,
  { upstream, host }: { upstream: Upstream; host: string | undefined },
  read: (
    place: { registry: string; repository: string },
    paths: { repository: string; tag: string },
  ) => EventReading,
): EventReading {
  const at = (field: string) => fieldAt(path, field);
  const place = named.safeParse(event);
  if (!place.success) return ignore(malformed(place.error, event, path));
  if (!isUpstreamHost(upstream, place.data.request.host, host))
    return otherRegistry(at('request.host'), place.data.request.host, upstream);
  return read(
    { registry: upstream.registry, repository: place.data.target.repository },
    { repository: at('target.repository'), tag: at('target.tag') },
  );
}

/** The event of a push, reduced to the fields that are read here. */
export function sampleDistributionEvent(
  { registry, repository, tag, digest, mediaType }: SampleImage,
  host: string | undefined,
) {
  return {
    action: 'push',
    target: { mediaType, repository, tag, digest },
    request: { host: host ?? registry },
  };
}
