import { type Digest, digestOf } from '../../core/oci/digest.ts';
import { mediaTypes } from '../../core/oci/media-types.ts';
import { InvalidReferenceError, parseReference } from '../../core/oci/reference.ts';
import type { PresentedWebhook } from '../../core/webhooks/present-webhook.ts';
import type { SampleImage } from '../../core/webhooks/source.ts';
import type { DrayageApi } from '../api/client.ts';
import { CommandError } from '../shared/command-error.ts';
import { UsageError } from '../shared/usage-error.ts';

/** Enough to find one with a tag among them. */
const looked = 20;

/**
 * The image that a test delivery is about: the given one, or one of the registry's that is
 * mirrored.
 *
 * @throws UsageError for an image of another registry or without a tag
 */
export async function sampleImage(
  api: DrayageApi,
  { name, registry }: PresentedWebhook,
  given: string | undefined,
): Promise<SampleImage> {
  if (given === undefined) {
    for (const { image, sourceDigest, mediaType } of await api.mappingsOf(registry, looked)) {
      const { repository, tag, digest } = parseReference(image);
      if (tag !== undefined && digest === undefined)
        return { registry, repository, tag, digest: sourceDigest, mediaType };
    }
    throw new CommandError(
      `no image of ${registry} is mirrored yet that ${name} could be tested with`,
      `name one that the rules mirror: --image ${registry}/REPOSITORY:TAG`,
    );
  }
  const { registry: host, repository, tag, digest } = parseImage(given);
  if (host !== registry)
    throw new UsageError(`${given} is at ${host}, and the webhook ${name} speaks for ${registry}`);
  if (tag === undefined || digest !== undefined)
    throw new UsageError(`${given}: webhooks tell of tags: write REPOSITORY:TAG without a digest`);
  const mapping = await api.mapping(`${registry}/${repository}:${tag}`);
  return {
    registry,
    repository,
    tag,
    // What the tag points to is asked of the registry; a digest that nothing has never equals what
    // is mapped.
    digest: (mapping?.sourceDigest ?? digestOf(new Uint8Array())) as Digest,
    mediaType: mapping?.mediaType ?? mediaTypes.ociIndex,
  };
}

function parseImage(text: string) {
  try {
    return parseReference(text);
  } catch (error) {
    if (error instanceof InvalidReferenceError) throw new UsageError(`--image: ${error.message}`);
    throw error;
  }
}
