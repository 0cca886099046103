import * as z from 'zod';
import type { Upstream } from '../../../config/config.ts';
import { InvalidReferenceError, parseReference, type Reference } from '../../../oci/reference.ts';
import type { SampleImage } from '../../source.ts';
import { type EventReading, excerpt, ignore, malformed, readEach } from './outcome.ts';
import { isUpstreamHost, otherRegistry } from './upstream-host.ts';

const list = z.object({ images: z.array(z.unknown()) });
const text = z.string();

/** A sender with more images can send another list. */
const maxImages = 1000;

/**
 * Reads `{ "images": ["registry/repository:tag", …] }`, for senders whose body the operator writes.
 * A digest after the tag is taken as the one that the tag points to. An image without an explicit
 * tag is ignored and does not mean `latest`, since the sender may have meant all tags.
 *
 * @param host the webhook's option `host`
 */
export function readImageList(body: unknown, upstream: Upstream, host?: string): EventReading[] {
  const parsed = list.safeParse(body);
  if (!parsed.success) return [ignore(malformed(parsed.error, body))];
  return readEach(parsed.data.images, 'images', maxImages, (image, path) =>
    readImage(image, path, upstream, host),
  );
}

/** A list of one image. */
export function sampleImageList(
  { registry, repository, tag, digest }: SampleImage,
  host: string | undefined,
) {
  return { images: [`${host ?? registry}/${repository}:${tag}@${digest}`] };
}

function readImage(item: unknown, path: string, upstream: Upstream, host: string | undefined): EventReading {
  const written = text.safeParse(item);
  if (!written.success) return ignore(malformed(written.error, item, path));
  let reference: Reference;
  try {
    reference = parseReference(written.data);
  } catch (error) {
    if (!(error instanceof InvalidReferenceError)) throw error;
    return ignore(`malformed: ${path} is not an image reference: ${error.reason}`);
  }
  const { registry, repository, tag, digest } = reference;
  if (tag === undefined || !hasTag(written.data, tag))
    return ignore(`no_tag: ${path} is ${excerpt(written.data)}, which has no tag`);
  if (!isUpstreamHost(upstream, registry, host)) return otherRegistry(path, registry, upstream);
  const image = { registry: upstream.registry, repository, tag };
  return { event: { image, ...(digest !== undefined && { digest }) } };
}

/** Whether the tag is explicit: `parseReference` adds `latest` if there is none. */
function hasTag(written: string, tag: string): boolean {
  return written.replace(/@.*$/, '').endsWith(`:${tag}`);
}
