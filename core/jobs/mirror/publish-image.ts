import { presentOnly } from '../../copy/amount.ts';
import { commitRoot } from '../../copy/commit.ts';
import type { ImageDestination } from '../../copy/ports.ts';
import { mayBringMore } from '../../copy/referrers/referrers.ts';
import { LeaseError } from '../../mapping/lease.ts';
import { type PublishOutcome, publishMapping } from '../../mapping/publish.ts';
import { type Evidence, type ImageKey, isDigestKey, type MappingRecord } from '../../mapping/record.ts';
import { keptSeconds } from '../../policy/kept-seconds.ts';
import type { JobOutcome, MirrorJobDependencies } from '../dependencies.ts';
import { type LaterLook, scheduleLook } from '../later-look.ts';
import type { JobRecord } from '../record.ts';
import { childMappings } from './child-mappings.ts';
import type { CopiedJobImage } from './copy-image.ts';
import { contradicts, mayBeStale } from './decisions.ts';
import type { Seen } from './look.ts';
import type { MirrorWork } from './work.ts';

/** By then a pipeline that pushes an image has signed it. */
const signedWithinMs = 5 * 60_000;

type WholeImage = Extract<CopiedJobImage, { kind: 'whole' }>;

/**
 * What a job publishes: an image that was copied, or one that is already mapped and was seen again.
 */
export type Publication = { work: MirrorWork; seen: Seen } & (
  | { kind: 'unchanged'; mapping: MappingRecord }
  | { kind: 'copied'; image: WholeImage; evidence: Evidence | undefined }
);

type PublishDependencies = Pick<MirrorJobDependencies, 'config' | 'mappings' | 'jobs' | 'now' | 'warn'>;

/** Moves the tag under its lease, publishes the mapping, and schedules later looks. */
export async function publishImage(
  publication: Publication,
  deps: PublishDependencies,
  signal: AbortSignal,
): Promise<JobOutcome> {
  const { work, seen } = publication;
  const { key, id } = work.job;
  const { destination } = seen.mirror;
  const image = publication.kind === 'copied' ? publication.image : undefined;
  const mapping = publication.kind === 'copied' ? newMapping(publication, deps.now()) : publication.mapping;
  // Before the commit: after a crash in between, looks are scheduled twice rather than never.
  await scheduleLooks(publication, mapping, deps);
  const outcome = await publishMapping(deps.mappings, {
    key,
    owner: id,
    mapping,
    children: image && childMappings(image.plan, mapping),
    resolve: seen.resolved,
    signal,
    moveTag: async () => {
      if (image) await commitRoot(destination, image.plan, key.reference, { signal });
      else await requireTag({ key, digest: mapping.digest }, destination, signal);
    },
  });
  // A crash before this repeats the job, and its second attempt looks again.
  if (contradicts(mapping, mappedOtherwise(outcome))) await scheduleLook({ key, trigger: 'recheck' }, deps);
  // Without the root, the copied blobs can't be mounted elsewhere.
  if (outcome.kind !== 'superseded') await image?.note();
  await retireReplaced(key, outcome, deps);
  const changes = { ...changesOf(publication), digest: mapping.digest, fannedOut: undefined };
  return {
    state: outcome.kind === 'superseded' ? 'superseded' : 'committed',
    changes,
    ...(outcome.kind === 'published' && { published: outcome }),
  };
}

/** What another look has published, before or instead. */
function mappedOtherwise(outcome: PublishOutcome): MappingRecord | undefined {
  if (outcome.kind === 'published') return outcome.before;
  return outcome.kind === 'superseded' ? outcome.by : undefined;
}

/**
 * Reads the tag while holding the lease: another job may have moved it since it was last read.
 *
 * @throws LeaseError if it was moved. The manifest to move it back to is not at hand.
 */
async function requireTag(
  { key, digest }: { key: ImageKey; digest: MappingRecord['digest'] },
  destination: ImageDestination,
  signal: AbortSignal,
): Promise<void> {
  if (isDigestKey(key)) return;
  if ((await destination.tagDigest(key.reference, { signal })) !== digest) throw new LeaseError(key);
}

/**
 * Schedules one more look at the tag, if the upstream's answer may be stale, and at what belongs to
 * the image: soon, if something could not be fetched, and some minutes later, if the image is new.
 * An image is signed after it is pushed, and a manifest that is pushed by digest with a `subject`
 * (cosign's bundles) moves no tag that a webhook could report.
 */
async function scheduleLooks(
  publication: Publication,
  { digest }: MappingRecord,
  deps: Pick<PublishDependencies, 'mappings' | 'jobs' | 'now'>,
): Promise<void> {
  const { work, seen } = publication;
  const { key } = work.job;
  if (mayBeStale(work.job, seen)) await scheduleLook({ key, trigger: 'recheck' }, deps);
  const referrers = publication.kind === 'copied' ? publication.image.referrers : undefined;
  if (referrers === undefined) return;
  const look: LaterLook = { key: { ...key, reference: digest }, trigger: 'signature' };
  const isNew = seen.known?.mapping?.digest !== digest;
  if (mayBringMore(referrers)) await scheduleLook(look, deps);
  else if (isNew) await scheduleLook({ ...look, delayMs: signedWithinMs }, deps);
}

/**
 * A digest that the tag has left can be looked up for a while; then the table forgets it. The image
 * is already published: if this fails, the digest is only remembered for longer.
 */
export async function retireReplaced(
  key: ImageKey,
  outcome: PublishOutcome,
  { config, mappings, now, warn }: Pick<PublishDependencies, 'config' | 'mappings' | 'now' | 'warn'>,
): Promise<void> {
  if (outcome.kind !== 'published' || !outcome.replaced) return;
  const reference = outcome.replaced;
  const expiresAt = new Date(now().getTime() + keptSeconds(config, key) * 1_000);
  await mappings
    .retireDigest({ ...key, reference }, expiresAt)
    .catch((error: unknown) => warn(`marking ${reference} as out of use failed`, error));
}

/** What the job's record says about the image. */
function changesOf(publication: Publication): Partial<JobRecord> {
  if (publication.kind === 'unchanged') return { transfer: presentOnly(publication.seen.root) };
  const { transfer, referrers, foreign } = publication.image;
  return { transfer, ...(referrers && { referrers }), ...(foreign && { foreign }) };
}

function newMapping(
  { work, seen, image, evidence }: Publication & { kind: 'copied' },
  now: Date,
): MappingRecord {
  const { plan, platforms, referrers, foreign } = image;
  return {
    mirrorRepository: work.repository,
    digest: plan.root.digest,
    sourceDigest: plan.source.digest,
    mediaType: plan.root.mediaType,
    platforms,
    sizeBytes: plan.sizeBytes,
    pin: false,
    region: seen.mirror.region,
    observedAt: seen.observedAt,
    mirroredAt: now.toISOString(),
    job: work.job.id,
    ...(referrers && { referrers }),
    ...(foreign && { foreign }),
    ...evidence,
  };
}
