import { DrayageError, type Retry } from '../../errors.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import type { Digest } from '../../oci/digest.ts';
import { parseManifest } from '../../oci/manifest.ts';
import { mediaTypes } from '../../oci/media-types.ts';
import { referrersTag } from '../../registry/operations/referrers.ts';
import type { CallOptions, ImageDestination, ImageSource } from '../ports.ts';

/** A destination that may be asked what it lists. */
export type ReferrersDestination = ImageDestination & Partial<Pick<ImageSource, 'manifest' | 'referrers'>>;

/**
 * Others write the same index without a condition, which the protocol has not: so it is read again,
 * and written again.
 */
const maxRounds = 3;

/**
 * Sees that a registry lists some manifests as referrers of `subject`. One that has no referrers
 * API leaves it to clients to keep an index of them under a tag, after the manifests themselves:
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests-with-subject.
 * Whether it has the API is not asked: what it lists counts.
 *
 * @throws ReferrersTagError when it lists them not, all the same; RegistryError of the destination.
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

/** The index that is there, with all that others wrote into it. */
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
 * The registry has no referrers API, and the tag that stands for it holds something else or is
 * written by others, too.
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
