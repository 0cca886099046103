import { DrayageError, type Retry } from '../../errors.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import type { Digest } from '../../oci/digest.ts';
import { parseManifest } from '../../oci/manifest.ts';
import { mediaTypes } from '../../oci/media-types.ts';
import { referrersTag } from '../../registry/operations/referrers.ts';
import type { CallOptions, ImageDestination, ImageSource } from '../ports.ts';

/** A destination that may be able to list referrers. */
export type ReferrersDestination = ImageDestination & Partial<Pick<ImageSource, 'manifest' | 'referrers'>>;

/**
 * Others write the same index, and the protocol has no conditional writes. So the index is read
 * back and, if needed, written again.
 */
const maxRounds = 3;

/**
 * Ensures that a registry lists some manifests as referrers of `subject`. If a registry has no
 * referrers API, clients must keep an index of them under a tag, written after the manifests
 * themselves:
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests-with-subject.
 * Support for the API is not checked: what the registry lists counts.
 *
 * @throws ReferrersTagError if it still does not list them; RegistryError of the destination.
 */
export async function keepReferrersTag(
  destination: ReferrersDestination,
  subject: Digest,
  referrers: Descriptor[],
  options: CallOptions = {},
): Promise<void> {
  if (!destination.referrers) return;
  for (let round = 1; ; round++) {
    const listed = new Set((await destination.referrers(subject, options)).map(({ digest }) => digest));
    const unlisted = referrers.filter(({ digest }) => !listed.has(digest));
    if (unlisted.length === 0) return;
    if (round > maxRounds) throw new ReferrersTagError(destination.name, referrersTag(subject));
    await addToIndex(destination, referrersTag(subject), unlisted, options);
  }
}

async function addToIndex(
  destination: ReferrersDestination,
  tag: string,
  referrers: Descriptor[],
  options: CallOptions,
): Promise<void> {
  const held = await heldIndex(destination, tag, options);
  const added = referrers.map(({ mediaType, digest, size, artifactType, annotations }) => ({
    mediaType,
    digest,
    size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
  }));
  const index = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: [...((held.manifests as unknown[] | undefined) ?? []), ...added],
  };
  const bytes = Buffer.from(JSON.stringify({ ...held, ...index }));
  await destination.putManifest(parseManifest(bytes, mediaTypes.ociIndex), tag, options);
}

/** The existing index, with everything that others wrote into it. */
async function heldIndex(
  destination: ReferrersDestination,
  tag: string,
  options: CallOptions,
): Promise<Record<string, unknown>> {
  if (!destination.manifest || (await destination.tagDigest(tag, options)) === undefined) return {};
  const manifest = await destination.manifest(tag, options);
  if (manifest.kind !== 'index') throw new ReferrersTagError(destination.name, tag);
  return JSON.parse(Buffer.from(manifest.bytes).toString('utf8')) as Record<string, unknown>;
}

/**
 * The registry has no referrers API, and the tag that replaces it holds something else or is also
 * written by others.
 */
export class ReferrersTagError extends DrayageError {
  override readonly name = 'ReferrersTagError';
  readonly code = 'REFERRERS_TAG';
  readonly side = 'mirror';
  readonly remedy = 'let only Drayage push there';
  readonly retry: Retry = { kind: 'never' };

  constructor(repository: string, tag: string) {
    super(`${repository}:${tag} is not the index of referrers that was put there`);
  }
}
