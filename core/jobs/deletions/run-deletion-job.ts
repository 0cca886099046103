import { inParallel } from '../../async/in-parallel.ts';
import type { Config, Upstream } from '../../config/config.ts';
import { formatImageKey, isDigestKey, type TagKey } from '../../mapping/record.ts';
import type { TagState } from '../../mapping/store.ts';
import { parseReference } from '../../oci/reference.ts';
import { selectImage } from '../../policy/select-image.ts';
import type { JobOutcome, MirrorJobDependencies } from '../dependencies.ts';
import { scheduleLook } from '../later-look.ts';
import { pinnedOutcome } from '../mirror/satisfied.ts';
import type { JobRecord } from '../record.ts';
import { requireOpen } from '../upstream-gate.ts';
import { tagsByDigest } from './tags-by-digest.ts';
import { type GoneLook, unmapGone } from './unmap-gone.ts';

/** Tags that are looked at, at once. */
const looksAtOnce = 4;
/** At most this many of the removed tags are named. */
const maxNamed = 10;

type DeletionDependencies = Pick<
  MirrorJobDependencies,
  'config' | 'mappings' | 'jobs' | 'gate' | 'notifier' | 'openUpstream' | 'now' | 'warn'
>;

type EndedOutcome = Exclude<JobOutcome, { state: 'copying' }>;

/**
 * Runs a deletion job: a sender says that a tag, or a manifest with all of its tags, was deleted.
 * Each tag in question is looked at upstream, and its mapping is removed if it is gone and its rule
 * says `deleted: unmap`. A tag that is still there is looked at once more a minute later: the event
 * may be early, or the tag pushed again.
 *
 * @throws UpstreamClosedError, LeaseError, and RegistryError if the upstream does not say whether a
 *   tag is gone
 */
export async function runDeletionJob(
  job: JobRecord,
  deps: DeletionDependencies,
  signal: AbortSignal,
): Promise<EndedOutcome> {
  const upstream = followedUpstream(job, deps.config);
  const known = isDigestKey(job.key) ? undefined : await deps.mappings.read(job.key);
  const pinned = known && pinnedOutcome(job.key, known);
  if (pinned && pinned.state !== 'copying') return pinned;
  const suspects = upstream === undefined ? [] : await suspectsOf(job, known, deps);
  const looks = upstream ? await lookAt({ job, suspects, upstream }, deps, signal) : [];
  const removed = suspects.filter((_, index) => looks[index] === 'removed');
  if (removed.length > 0) return removedOutcome(removed);
  // An earlier attempt, or another job, may have removed it.
  if (known?.removed?.reason === 'deleted_upstream') return removedOutcome([job.key]);
  return { state: 'satisfied', changes: { digest: known?.mapping?.digest } };
}

/**
 * The outcome of a later look whose tag no longer exists upstream: what its rule says about
 * deletions is done at once.
 */
export async function runLookAtDeleted(
  job: JobRecord,
  deps: DeletionDependencies,
  signal: AbortSignal,
): Promise<EndedOutcome> {
  if (!isDigestKey(job.key) && followedUpstream(job, deps.config) !== undefined)
    return await runDeletionJob(job, deps, signal);
  const message = `${formatImageKey(job.key)} no longer exists upstream; the mirror keeps its copy`;
  return { state: 'satisfied', changes: { reason: { code: 'deleted_upstream', message } } };
}

/** The job's upstream, if its rule follows deletions. */
function followedUpstream({ key }: JobRecord, config: Config): Upstream | undefined {
  const selection = selectImage(config, parseReference(formatImageKey(key)));
  return selection.mirrored && selection.rule.deleted === 'unmap' ? selection.upstream : undefined;
}

/** The mapped tags that may be gone: the one that was named, and those of the deleted manifest. */
async function suspectsOf(
  { key, toldDigest, receivedAt }: JobRecord,
  known: TagState | undefined,
  { mappings, now }: Pick<DeletionDependencies, 'mappings' | 'now'>,
): Promise<TagKey[]> {
  const tags = new Set(known?.mapping ? [key.reference] : []);
  const deleted = isDigestKey(key) ? key.reference : toldDigest;
  if (deleted !== undefined) {
    const asked = { digest: deleted, since: new Date(receivedAt), now: now() };
    for (const tag of await tagsByDigest(mappings, key, asked)) tags.add(tag);
  }
  const { registry, repository } = key;
  return [...tags].map((reference) => ({ registry, repository, reference }));
}

async function lookAt(
  { job, suspects, upstream }: { job: JobRecord; suspects: TagKey[]; upstream: Upstream },
  deps: DeletionDependencies,
  signal: AbortSignal,
): Promise<GoneLook[]> {
  if (suspects.length === 0) return [];
  await requireOpen(deps.gate, upstream, deps.now());
  const source = await deps.openUpstream(upstream, job.key.repository);
  const looks = await inParallel(
    suspects,
    looksAtOnce,
    async (key, inner) => {
      const hasTag = (tag: string, asked: AbortSignal) => source.hasTag(tag, { signal: asked });
      const look = await unmapGone(key, { owner: job.id, hasTag, signal: inner }, deps);
      // Another look of a later look would go on forever.
      if (look === 'there' && job.trigger === 'deletion')
        await scheduleLook({ key, trigger: 'recheck' }, deps);
      return look;
    },
    signal,
  );
  const wasAsked = looks.some((look) => look === 'there' || look === 'removed');
  if (wasAsked) await deps.gate.answered(upstream.registry);
  return looks;
}

function removedOutcome(keys: TagKey[]): EndedOutcome {
  const named = keys.slice(0, maxNamed).map(formatImageKey).join(', ');
  const more = keys.length > maxNamed ? ` and ${keys.length - maxNamed} more` : '';
  const message = `the upstream no longer has ${named}${more}, so that nothing is mapped to it; the mirror keeps the image`;
  return { state: 'satisfied', changes: { reason: { code: 'deleted_upstream', message } } };
}
