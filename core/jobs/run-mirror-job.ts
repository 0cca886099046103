import type { Config, RepositoryRule, Upstream } from '../config/config.ts';
import { commitChildren, commitRoot } from '../copy/commit.ts';
import { type CopyResult, copyBlobs } from '../copy/copy.ts';
import { imagePlatforms } from '../copy/image-platforms.ts';
import { type CopyPlan, plan as planCopy } from '../copy/plan.ts';
import { type CallOptions, emptyTransfer, type ImageDestination, type ImageSource } from '../copy/ports.ts';
import { LeaseError, publishMapping } from '../mapping/publish.ts';
import { formatImageKey, type MappingRecord } from '../mapping/record.ts';
import type { MappingStore, TagState } from '../mapping/store.ts';
import type { Manifest } from '../oci/manifest.ts';
import { parsePlatform } from '../oci/platform.ts';
import { parseReference } from '../oci/reference.ts';
import { policyFingerprint } from '../policy/fingerprint.ts';
import { mirrorRepository } from '../policy/mirror-repository.ts';
import { selectImage } from '../policy/select-image.ts';
import { JobFailure } from './job-failure.ts';
import { requireNewest } from './newest-tags.ts';
import type { JobStore } from './ports.ts';
import { reportProgress } from './progress.ts';
import { queueRecheck } from './recheck.ts';
import type { JobRecord, JobState } from './record.ts';

export interface MirrorJobDependencies {
  config: Config;
  mappings: MappingStore;
  jobs: JobStore;
  openUpstream(upstream: Upstream, repository: string): Promise<ImageSource & TagLister>;
  openMirror(repository: string, options: CallOptions): Promise<OpenMirror>;
  now(): Date;
  /** Told about what goes wrong beside the job itself. */
  warn(message: string, error: unknown): void;
}

export interface TagLister {
  listTags(options?: { signal?: AbortSignal }): AsyncIterable<string>;
}

/** The mirror repository of a job, and where it is. */
export interface OpenMirror {
  region: string;
  destination: ImageDestination;
}

/** How a job ended that did not fail. */
export interface JobOutcome {
  state: Extract<JobState, 'committed' | 'satisfied' | 'superseded'>;
  changes: Partial<JobRecord>;
}

/**
 * Runs one mirror job: makes the mirror hold what the upstream's tag points to now, and publishes it.
 *
 * In order: is it satisfied already → resolve the tag → plan → copy what is missing → commit manifests → move the tag
 * under its lease → publish. Whatever was done before an error stays done; the next attempt finds it present.
 *
 * @throws JobFailure, RegistryError, CopyError, LeaseError… for everything that keeps the image from being mirrored.
 */
export async function runMirrorJob(
  job: JobRecord,
  deps: MirrorJobDependencies,
  signal: AbortSignal,
): Promise<JobOutcome> {
  const { key } = job;
  const { upstream, rule } = select(job, deps.config);
  const fingerprint = policyFingerprint(rule);
  if (job.trigger === 'recheck') await deps.mappings.clearRecheck(key, job.id);
  const known = await deps.mappings.read(key);
  if (known && isSatisfied(job, known, fingerprint)) {
    return { state: 'satisfied', changes: { digest: known.mapping?.digest } };
  }

  const begun = await deps.mappings.beginResolve(key);
  const source = await deps.openUpstream(upstream, key.repository);
  if (rule.tags.latest !== undefined) await requireNewest(rule, key.reference, source.listTags({ signal }));
  const repository = mirrorRepository(deps.config, key.registry, key.repository);
  const mirror = await deps.openMirror(repository, { signal });
  const tagDigest = async () =>
    key.reference.includes(':') ? undefined : await mirror.destination.tagDigest(key.reference, { signal });
  const root = await source.manifest(key.reference, { signal });
  const observedAt = deps.now().toISOString();
  const unchanged =
    isMapped(root, repository, begun, fingerprint) && begun.mapping?.digest === (await tagDigest());
  const copied = unchanged
    ? undefined
    : await copyImage(job, root, source, mirror.destination, rule, deps, signal);
  const mapping = copied
    ? await newMapping(job, copied, mirror, deps, observedAt, signal)
    : { ...(begun.mapping as MappingRecord), observedAt };

  // Before the commit: a crash in between asks again, instead of never.
  if (mayBeStale(job, begun, known, root)) await queueRecheck(job, deps);
  const outcome = await publishMapping(deps.mappings, {
    key,
    owner: job.id,
    mapping,
    resolve: { event: begun.events, resolve: begun.resolves, fingerprint, sourceDigest: root.digest },
    signal,
    moveTag: async () => {
      // Read with the lease held: what was read before may be another job's by now. And an immutable tag refuses even
      // its own digest (CR#2380), so that a tag that is right must be left alone.
      if ((await tagDigest()) === mapping.digest) return;
      // The tag was moved since it was found unchanged, and there is nothing at hand to move it back with.
      if (!copied) throw new LeaseError(key);
      await commitRoot(mirror.destination, copied.plan, key.reference, { signal });
    },
  });
  const changes: Partial<JobRecord> = {
    digest: mapping.digest,
    transfer: copied?.result.transfer ?? presentOnly(root),
  };
  return { state: outcome.kind === 'superseded' ? 'superseded' : 'committed', changes };
}

function select(job: JobRecord, config: Config): { upstream: Upstream; rule: RepositoryRule } {
  const image = formatImageKey(job.key);
  const selection = selectImage(config, parseReference(image));
  if (!selection.mirrored) {
    throw new JobFailure(
      'not_configured',
      `${image}: ${selection.reason}`,
      'add a rule for it to mirror.yaml',
    );
  }
  if (selection.rule.verify !== undefined) {
    throw new JobFailure(
      'verification_unavailable',
      `${image}: its rule asks for a verified signature, which this version can't check; it is not mirrored unverified`,
      'take `verify` out of the rule to mirror it unverified, or wait for a version that verifies',
    );
  }
  return selection;
}

/**
 * Whether everything this job's event could tell is committed already. A second look was asked for after such a commit:
 * it always looks. So does a job that was begun before: it may have moved the tag and lost its lease, and then the tag
 * in the mirror is not what was committed.
 */
function isSatisfied(job: JobRecord, known: TagState, fingerprint: string): boolean {
  return (
    job.trigger !== 'recheck' &&
    job.attempts <= 1 &&
    known.committed !== undefined &&
    known.committed.fingerprint === fingerprint &&
    job.event <= known.committed.event
  );
}

/**
 * Whether upstream may have answered from a cache that a push is ahead of, so that one more look is due: when an event
 * came although upstream shows what is mapped already, and when this look also counts for events that came after the
 * job's own, whose jobs will ask nobody.
 */
function mayBeStale(job: JobRecord, begun: TagState, known: TagState | undefined, root: Manifest): boolean {
  if (job.key.reference.includes(':')) return false; // a digest does not move
  if (begun.events > Math.max(job.event, known?.committed?.event ?? 0)) return true;
  return job.trigger === 'webhook' && known?.mapping?.sourceDigest === root.digest;
}

/** Whether what upstream shows is mapped already, by the same policy and to the same place. */
function isMapped(root: Manifest, repository: string, state: TagState, fingerprint: string): boolean {
  return (
    state.committed?.fingerprint === fingerprint &&
    state.mapping?.sourceDigest === root.digest &&
    state.mapping.mirrorRepository === repository
  );
}

interface CopiedImage {
  plan: CopyPlan;
  result: CopyResult;
}

async function copyImage(
  job: JobRecord,
  root: Manifest,
  source: ImageSource,
  destination: ImageDestination,
  rule: RepositoryRule,
  deps: MirrorJobDependencies,
  signal: AbortSignal,
): Promise<CopiedImage> {
  // Who names a digest means this digest: no filter may make another one of it.
  const platforms = job.key.reference.includes(':') ? undefined : rule.platforms?.map(parsePlatform);
  const plan = await planCopy(source, destination, root, { platforms, signal });
  const progress = reportProgress(
    plan,
    (now) => deps.jobs.update(job.id, { progress: now }),
    (error) => deps.warn('a progress report could not be written', error),
  );
  try {
    const result = await copyBlobs(source, destination, plan, { signal, onEvent: progress.onEvent });
    await commitChildren(destination, plan, result.arrived, { signal });
    return { plan, result };
  } finally {
    await progress.stop();
  }
}

async function newMapping(
  job: JobRecord,
  { plan, result }: CopiedImage,
  mirror: OpenMirror,
  deps: MirrorJobDependencies,
  observedAt: string,
  signal: AbortSignal,
): Promise<MappingRecord> {
  return {
    mirrorRepository: mirrorRepository(deps.config, job.key.registry, job.key.repository),
    digest: plan.root.digest,
    sourceDigest: plan.source.digest,
    mediaType: plan.root.mediaType,
    platforms: await imagePlatforms(plan, result.configs, mirror.destination, { signal }),
    sizeBytes: plan.sizeBytes,
    pin: false,
    region: mirror.region,
    observedAt,
    mirroredAt: deps.now().toISOString(),
    job: job.id,
  };
}

/** The blobs of an unchanged image, as far as its first manifest tells them. */
function presentOnly(root: Manifest) {
  const transfer = emptyTransfer();
  if (root.kind === 'image') {
    const blobs = new Map([root.config, ...root.layers].map((blob) => [blob.digest, blob.size]));
    transfer.present = { blobs: blobs.size, bytes: [...blobs.values()].reduce((sum, size) => sum + size, 0) };
  }
  return transfer;
}
