import { type Digest, digestOf } from '../../core/oci/digest.ts';
import { mediaTypes } from '../../core/oci/media-types.ts';
import { InvalidReferenceError, parseReference } from '../../core/oci/reference.ts';
import type { PresentedWebhook } from '../../core/webhooks/present-webhook.ts';
import type { SampleImage } from '../../core/webhooks/source.ts';
import type { DrayageApi } from '../api/client.ts';
import { CommandError } from '../shared/command-error.ts';
import { UsageError } from '../shared/usage-error.ts';

/** Enough to find one with a tag. */
const looked = 20;

/**
 * The image for a test delivery: the given one, or a mirrored one of the registry.
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
      `no image of ${registry} is mirrored yet to test ${name} with`,
      `name one that matches the rules: --image ${registry}/REPOSITORY:TAG`,
    );
  }
  const { registry: host, repository, tag, digest } = parseImage(given);
  if (host !== registry)
    throw new UsageError(`${given} is at ${host}, and the webhook ${name} is for ${registry}`);
  if (tag === undefined || digest !== undefined)
    throw new UsageError(`${given}: webhooks are about tags: write REPOSITORY:TAG without a digest`);
  const mapping = await api.mapping(`${registry}/${repository}:${tag}`);
  return {
    registry,
    repository,
    tag,
    // The job asks the registry what the tag points to; a digest that nothing has never equals the
    // mapped one.
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
