import type { CallOptions, ImageSource } from '../../copy/ports.ts';
import { copyReferrers } from '../../copy/referrers/copy-referrers.ts';
import { findReferrers } from '../../copy/referrers/find-referrers.ts';
import { mayBringMore, summariseReferrers } from '../../copy/referrers/referrers.ts';
import type { ReferrersDestination } from '../../copy/referrers/referrers-tag.ts';
import { type DigestKey, formatImageKey, isDigestKey, type MappingRecord } from '../../mapping/record.ts';
import type { MappingStore } from '../../mapping/store.ts';
import type { Digest } from '../../oci/digest.ts';
import { isIndexType, isManifestType } from '../../oci/media-types.ts';
import { mirrorRepository } from '../../policy/mirror-repository.ts';
import { selectImage } from '../../policy/select-image.ts';
import { RegistryError } from '../../registry/errors.ts';
import type { JobOutcome, MirrorJobDependencies } from '../dependencies.ts';
import { JobFailure, notConfigured, ReferrersPendingError } from '../errors.ts';
import type { JobQueue } from '../ports.ts';
import type { JobRecord } from '../record.ts';
import { requireOpen } from '../upstream-gate.ts';
import { wakeAwaiting } from '../verification/wake-awaiting.ts';

type SignatureDependencies = Pick<
  MirrorJobDependencies,
  'config' | 'mappings' | 'jobs' | 'awaited' | 'gate' | 'openUpstream' | 'openMirror' | 'now'
> & { queue: JobQueue };

/**
 * Runs a signature job: something that belongs to the image with this digest was pushed, so the
 * mirror must now hold everything that belongs to it. Each such event causes a look, whatever other
 * jobs have committed: something may have been added since.
 *
 * Images that wait for a signature of this digest are looked at again, by jobs of their own. An
 * image that the mirror repository does not hold is otherwise left alone: if it is being mirrored,
 * its own job looks for what belongs to it. The outcome is recorded in the job and in the digest's
 * mapping. A tag's mapping shows it once the tag is published again.
 *
 * @throws ReferrersPendingError if another attempt may bring what is missing; UpstreamClosedError;
 *   JobFailure; RegistryError of the mirror, or of the upstream if it can't be asked at all.
 */
export async function runSignatureJob(
  job: JobRecord,
  deps: SignatureDependencies,
  signal: AbortSignal,
): Promise<JobOutcome> {
  const { key } = job;
  const image = formatImageKey(key);
  if (!isDigestKey(key)) {
    throw new JobFailure(
      'not_a_digest',
      `${image}: what belongs to an image is found by its digest`,
      'request the image itself',
    );
  }
  const { registry, repository, reference: digest } = key;
  // Anything pushed from now on is not seen by this look.
  await deps.mappings.clearRecheck(key, job.id);
  const selection = selectImage(deps.config, { registry, repository, digest });
  if (!selection.mirrored) throw notConfigured(image, selection.reason);
  if (selection.rule.verify) await wakeAwaiting(key, deps);
  const nothing: JobOutcome = { state: 'satisfied', changes: { digest } };
  if (!selection.rule.referrers) return nothing;
  const { destination } = await deps.openMirror(mirrorRepository(deps.config, registry, repository), {
    signal,
  });
  if ((await destination.tagDigest(digest, { signal })) !== digest) return nothing;

  await requireOpen(deps.gate, selection.upstream, deps.now());
  const source = await deps.openUpstream(selection.upstream, repository);
  const mapping = await mappingOf(key, deps.mappings);
  const children = await childrenOf(digest, mapping, source, destination, { signal });
  const found = await findReferrers(source, [digest, ...children], { signal });
  // Without any answer, the upstream may be down: then the job waits for it, as others do.
  const { unanswered } = found;
  if (unanswered instanceof RegistryError && unanswered.temporary) throw unanswered;
  if (unanswered === undefined) await deps.gate.answered(selection.upstream.registry);
  const outcome = await copyReferrers(source, destination, found, { signal });
  const referrers = summariseReferrers(outcome);
  await deps.mappings.noteReferrers(key, referrers);
  if (mayBringMore(referrers)) throw new ReferrersPendingError(image, outcome);
  return { state: 'committed', changes: { digest, transfer: outcome.transfer, referrers } };
}

/** The mapping of a digest, published with a tag that points to it or in its own right. */
async function mappingOf(
  key: DigestKey,
  mappings: Pick<MappingStore, 'read'>,
): Promise<MappingRecord | undefined> {
  const mapping = (await mappings.read(key))?.mapping;
  return mapping?.digest === key.reference ? mapping : undefined;
}

/**
 * The manifests that an index names, read from the mirror if it can be read: that never counts as a
 * pull.
 */
async function childrenOf(
  digest: Digest,
  mapping: MappingRecord | undefined,
  source: ImageSource,
  destination: ReferrersDestination,
  options: CallOptions,
): Promise<Digest[]> {
  if (mapping && !isIndexType(mapping.mediaType)) return [];
  const manifest = await (destination.manifest?.(digest, options) ?? source.manifest(digest, options));
  if (manifest.kind !== 'index') return [];
  return manifest.manifests.flatMap((child) => (isManifestType(child.mediaType) ? [child.digest] : []));
}
