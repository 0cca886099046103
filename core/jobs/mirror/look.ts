import type { ImageSource } from '../../copy/ports.ts';
import { resolve } from '../../copy/resolve.ts';
import type { MappingRecord } from '../../mapping/record.ts';
import type { CommittedResolve, TagState } from '../../mapping/store.ts';
import type { Digest } from '../../oci/digest.ts';
import type { Manifest } from '../../oci/manifest.ts';
import type { JobOutcome, MirrorJobDependencies, OpenMirror, TagLister } from '../dependencies.ts';
import { readWhenThere } from '../early-event.ts';
import { lookAfterLayers } from '../layers/wait-for-layers.ts';
import type { FannedOut, JobReason, JobRecord } from '../record.ts';
import { requireOpen } from '../upstream-gate.ts';
import { mappedAlready, willTravel } from './decisions.ts';
import { leftOutReason } from './newest-tags.ts';
import { pinnedOutcome, satisfiedWithout } from './satisfied.ts';
import type { MirrorWork } from './work.ts';

/** What a mirror job finds before it copies. */
export type Look =
  /** Nothing is left to do now: other jobs have looked, will look, or carry the layers. */
  | { kind: 'ended'; outcome: JobOutcome }
  /** The image is mapped and in the mirror. */
  | { kind: 'unchanged'; seen: Seen; mapping: MappingRecord }
  | { kind: 'changed'; seen: Seen };

/** What a look saw at both ends, and what was known about the tag. */
export interface Seen {
  /** What the upstream's reference points to. */
  root: Manifest;
  source: ImageSource;
  mirror: OpenMirror;
  /** What the mirror's tag points to; undefined if there is no such tag, or if it was not asked. */
  current: Digest | undefined;
  /** The tag before the look; undefined if no event has named it. */
  known: TagState | undefined;
  /** The tag when the look began. */
  begun: TagState;
  resolved: CommittedResolve;
  observedAt: string;
}

type LookDependencies = Pick<
  MirrorJobDependencies,
  'mappings' | 'jobs' | 'gate' | 'fanOut' | 'openUpstream' | 'openMirror' | 'now' | 'pause'
>;

/**
 * Looks at what the upstream's reference points to now, unless other jobs have looked or will look.
 */
export async function lookUpstream(
  work: MirrorWork,
  deps: LookDependencies,
  signal: AbortSignal,
): Promise<Look> {
  const { job, upstream, fingerprint, repository } = work;
  const known = await readTag(job, deps);
  const pinned = known && pinnedOutcome(job.key, known);
  if (pinned) return { kind: 'ended', outcome: pinned };
  const satisfied = known && (await satisfiedWithout({ ...work, known }, deps, signal));
  if (satisfied) return { kind: 'ended', outcome: satisfied };

  await requireOpen(deps.gate, upstream, deps.now());
  const begun = await deps.mappings.beginResolve(job.key);
  const source = await deps.openUpstream(upstream, job.key.repository);
  const reason = await notSelected({ ...work, source }, deps, signal);
  if (reason) return { kind: 'ended', outcome: { state: 'satisfied', changes: { reason } } };

  const opening = deps.openMirror(repository, { signal });
  const ends = { source, reference: job.key.reference, opening };
  const { root, current } = await resolveEnds(
    { ...ends, job, travels: willTravel(job, begun) },
    deps,
    signal,
  );
  await deps.gate.answered(upstream.registry);
  const mirror = await opening;
  const observedAt = deps.now().toISOString();
  const resolved = { event: begun.events, resolve: begun.resolves, fingerprint, sourceDigest: root.digest };
  const seen = { root, source, mirror, current, known, begun, resolved, observedAt };
  return await compare(seen, work, signal);
}

/**
 * Continues with an image whose large layers were handed out. Once the mirror has them all, the
 * image is looked up by the digest that was found earlier.
 */
export async function resumeLook(
  work: MirrorWork & { fannedOut: FannedOut },
  deps: LookDependencies,
  signal: AbortSignal,
): Promise<Look> {
  const { job, upstream, fingerprint, repository, fannedOut } = work;
  const mirror = await deps.openMirror(repository, { signal });
  const { destination } = mirror;
  const waiting = await lookAfterLayers({ job, fannedOut, destination, repository }, deps, signal);
  if (waiting) return { kind: 'ended', outcome: waiting };

  const known = await readTag(job, deps);
  await requireOpen(deps.gate, upstream, deps.now());
  const begun = known ?? (await deps.mappings.beginResolve(job.key));
  const source = await deps.openUpstream(upstream, job.key.repository);
  const ends = { source, reference: fannedOut.sourceDigest, opening: Promise.resolve(mirror) };
  const { root, current } = await resolveEnds({ ...ends, job, travels: false }, deps, signal);
  await deps.gate.answered(upstream.registry);
  const { event, resolve, observedAt } = fannedOut;
  const resolved = { event, resolve, fingerprint, sourceDigest: root.digest };
  const seen = { root, source, mirror, current, known, begun, resolved, observedAt };
  return await compare(seen, work, signal);
}

/**
 * Reads what is known about the tag. A later look first clears its own entry, so that a request for
 * a look from now on gets a new one.
 */
async function readTag(
  { trigger, key, id }: JobRecord,
  { mappings }: Pick<LookDependencies, 'mappings'>,
): Promise<TagState | undefined> {
  if (trigger === 'recheck') await mappings.clearRecheck(key, id);
  return await mappings.read(key);
}

/** Why the rule's `latest` leaves the tag out; undefined if it does not. */
async function notSelected(
  { job, rule, source }: MirrorWork & { source: TagLister },
  { now, pause }: Pick<LookDependencies, 'now' | 'pause'>,
  signal: AbortSignal,
): Promise<JobReason | undefined> {
  if (rule.tags.latest === undefined) return undefined;
  const list = () => leftOutReason(rule, job.key.reference, source.listTags({ signal }));
  return await readWhenThere(list, { job, now, pause, signal });
}

/**
 * Asks both ends what their references point to; the mirror only if blobs will probably not be
 * copied.
 */
async function resolveEnds(
  ends: {
    job: JobRecord;
    source: ImageSource;
    reference: string;
    opening: Promise<OpenMirror>;
    travels: boolean;
  },
  { now, pause }: Pick<LookDependencies, 'now' | 'pause'>,
  signal: AbortSignal,
) {
  const { job, source, reference, opening, travels } = ends;
  const target = travels ? undefined : job.key.reference;
  const ask = () => {
    const destination = opening.then((mirror) => mirror.destination);
    return resolve({ source, reference, destination, target }, { warm: travels, signal });
  };
  return await readWhenThere(ask, { job, now, pause, signal });
}

/** Whether the image is already mapped, and the mirror's tag agrees. */
async function compare(seen: Seen, work: MirrorWork, signal: AbortSignal): Promise<Look> {
  const { root, begun, mirror, observedAt } = seen;
  const mapping = mappedAlready(root, work, begun);
  if (mapping === undefined) return { kind: 'changed', seen };
  const { key } = work.job;
  const tagDigest = async () =>
    seen.current ?? (await mirror.destination.tagDigest(key.reference, { signal }));
  const isThere = (await tagDigest()) === mapping.digest;
  return isThere
    ? { kind: 'unchanged', seen, mapping: { ...mapping, observedAt } }
    : { kind: 'changed', seen };
}
