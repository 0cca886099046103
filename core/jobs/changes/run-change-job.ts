import { commitRoot } from '../../copy/commit.ts';
import { pastMappingOf } from '../../mapping/history.ts';
import { LeaseError } from '../../mapping/lease.ts';
import { changeMapping } from '../../mapping/publish.ts';
import { type Evidence, formatImageKey, isDigestKey, type MappingRecord } from '../../mapping/record.ts';
import type { Digest } from '../../oci/digest.ts';
import type { Manifest } from '../../oci/manifest.ts';
import { parseReference } from '../../oci/reference.ts';
import { policyFingerprint } from '../../policy/fingerprint.ts';
import { selectImage } from '../../policy/select-image.ts';
import type { JobOutcome, MirrorJobDependencies, OpenMirror, PublishedByJob } from '../dependencies.ts';
import { JobFailure } from '../errors.ts';
import { retireReplaced } from '../mirror/publish-image.ts';
import { runMirrorJob } from '../mirror/run-mirror-job.ts';
import type { Change, JobRecord } from '../record.ts';
import { requireOpen } from '../upstream-gate.ts';
import { verifyForChange } from '../verification/require-verified.ts';

/** How a change ended: the digest that the tag is mapped to now, and what was published. */
type Changed = {
  state: 'committed' | 'satisfied';
  digest: Digest | undefined;
  published: PublishedByJob | undefined;
};

/**
 * Changes the mapping of a tag as somebody asked for, under the tag's lease. After `unpin`, it
 * looks at upstream at once.
 *
 * @throws JobFailure `not_mirrored` if the tag has no such mapping, `gone` if the mirror no longer
 *   holds the image to roll back to, `not_verified` if its rule requires a signature that it does
 *   not have; LeaseError; RegistryError.
 */
export async function runChangeJob(
  job: JobRecord,
  deps: MirrorJobDependencies,
  signal: AbortSignal,
): Promise<JobOutcome> {
  const { change, key } = job;
  if (change === undefined || isDigestKey(key))
    throw new Error(`the job ${job.id} changes no tag: it must not be queued`);
  const { state, digest, published } = await changed({ job, change }, deps, signal);
  const isFollowed = selectImage(deps.config, parseReference(formatImageKey(key))).mirrored;
  if (change.kind !== 'unpin' || !isFollowed) return { state, changes: { digest }, published };
  const outcome = await runMirrorJob(job, deps, signal);
  return outcome.state === 'copying' ? outcome : { published, ...outcome };
}

function changed(
  { job, change }: { job: JobRecord; change: Change },
  deps: MirrorJobDependencies,
  signal: AbortSignal,
): Promise<Changed> {
  if (change.kind === 'rollback') return rollBack(job, change.digest, deps, signal);
  return setPin(job, change.kind === 'pin', deps, signal);
}

/** Pins or unpins what the tag is mapped to; nothing is published if it is so already. */
async function setPin(
  job: JobRecord,
  pin: boolean,
  deps: MirrorJobDependencies,
  signal: AbortSignal,
): Promise<Changed> {
  const { key, id } = job;
  const { mappings } = deps;
  const before = pin ? (await mappings.read(key))?.mapping : undefined;
  const evidence = before && !before.pin ? await evidenceFor({ job, mapping: before }, deps, signal) : {};
  let digest: Digest | undefined;
  const published = await changeMapping(mappings, {
    key,
    owner: id,
    signal,
    decide: ({ mapping, removed }) => {
      // A tag stays pinned if the mirror loses its image; it must be possible to unpin it.
      const current = mapping ?? (pin ? undefined : removed?.mapping);
      if (current === undefined) throw notMirrored(formatImageKey(key));
      digest = current.digest;
      if (current.pin === pin) return { kind: 'nothing' };
      // Another image than the one that was verified.
      if (pin && current.digest !== before?.digest) throw new LeaseError(key);
      return mapping
        ? { kind: 'publish', mapping: { ...mapping, ...evidence, pin, job: id } }
        : { kind: 'forget-removed' };
    },
  });
  return { state: published ? 'committed' : 'satisfied', digest, published };
}

/** Moves the tag in the mirror back to an image that it pointed to, and pins the mapping. */
async function rollBack(
  job: JobRecord,
  digest: Digest,
  deps: MirrorJobDependencies,
  signal: AbortSignal,
): Promise<Changed> {
  const { key, id } = job;
  const image = formatImageKey(key);
  const past = pastMappingOf(await deps.mappings.history(key), digest)?.mapping;
  if (past === undefined) throw notMirrored(`${image} at ${digest}`);
  const mirror = await deps.openMirror(past.mirrorRepository, { signal });
  const root = await manifestOf(mirror, { image, digest }, signal);
  const evidence = await evidenceFor({ job, mapping: past }, deps, signal);
  const { destination } = mirror;
  const published = await changeMapping(deps.mappings, {
    key,
    owner: id,
    signal,
    decide: ({ mapping }) => {
      const isDone = mapping?.digest === digest && mapping.pin;
      return isDone
        ? { kind: 'nothing' }
        : { kind: 'publish', mapping: { ...past, ...evidence, pin: true, job: id } };
    },
    moveTag: async () => {
      await commitRoot(destination, { root }, key.reference, { signal });
    },
  });
  if (published) await retireReplaced(key, published, deps);
  return { state: published ? 'committed' : 'satisfied', digest, published };
}

/**
 * What is to be added to a mapping that a tag stays at, under a rule with `verify`. What was
 * verified under any rule is good enough: somebody goes back to it on purpose, perhaps because the
 * upstream is not what it was. What never was is verified now, and nobody waits for a signature.
 *
 * @throws JobFailure `not_verified`; UpstreamClosedError; RegistryError of the upstream
 */
async function evidenceFor(
  { job, mapping }: { job: JobRecord; mapping: MappingRecord },
  deps: MirrorJobDependencies,
  signal: AbortSignal,
): Promise<Partial<Evidence>> {
  const selection = selectImage(deps.config, parseReference(formatImageKey(job.key)));
  if (!selection.mirrored || selection.rule.verify === undefined || mapping.verified) return {};
  const { upstream, rule } = selection;
  await requireOpen(deps.gate, upstream, deps.now());
  const source = await deps.openUpstream(upstream, job.key.repository);
  const digest = mapping.sourceDigest;
  const image = { job, rule, fingerprint: policyFingerprint(rule), digest, source };
  return await verifyForChange(image, deps, signal);
}

/** Reads an image's manifest from the mirror. @throws JobFailure `gone` if it is not there */
async function manifestOf(
  { destination }: OpenMirror,
  { image, digest }: { image: string; digest: Digest },
  signal: AbortSignal,
): Promise<Manifest> {
  if ((await destination.tagDigest(digest, { signal })) !== undefined)
    return await destination.manifest(digest, { signal });
  throw new JobFailure(
    'gone',
    `${image} can't be rolled back: the mirror no longer holds ${digest}`,
    'choose another digest of its history',
  );
}

function notMirrored(image: string): JobFailure {
  return new JobFailure('not_mirrored', `${image} was not mirrored`, 'see its history for what was');
}
