import { inParallel } from '../async/in-parallel.ts';
import { enqueue, NotQueuedError } from '../jobs/enqueue.ts';
import type { StoredMapping } from '../mapping/record.ts';
import { type RemovalOutcome, removeMapping } from '../mapping/remove.ts';
import { announce } from '../notify/announce.ts';
import { mappingRemoved } from '../notify/events.ts';
import type { Digest } from '../oci/digest.ts';
import { selectImage } from '../policy/select-image.ts';
import type { LossDependencies, LossPlace, RemovedImage } from './ports.ts';
import type { HintedImage, LossHint } from './read-event.ts';
import { removeDigests } from './remove-digests.ts';

/** What came of some hints about one repository. */
export interface SettledLosses {
  removed: RemovedImage[];
  /** The hints that must be tried again, each with what failed first. */
  failed: Map<LossHint, unknown>;
}

/** Mappings that are removed at once. */
const removalsAtOnce = 10;
/** Digests that are read at once. */
const readsAtOnce = 10;
const owner = 'registry-events';

/**
 * Looks in the mirror at what some events are about, and removes the mappings of what is not there
 * any more: first those of tags, then those of digests. Each removal looks again, under the tag's
 * lease or on condition that nobody has mapped the digest meanwhile, so late and doubled events do
 * no harm.
 *
 * A tag that its rule still names is queued again, unless it is pinned. Its job is recorded before
 * the mapping is removed, so that no crash in between can lose it; a job that comes too early looks
 * at the mirror itself.
 *
 * @param hints all about `repository`
 * @throws if nothing could be done: all hints must be tried again
 */
export async function settleLosses(
  repository: string,
  hints: LossHint[],
  deps: LossDependencies,
  signal?: AbortSignal,
): Promise<SettledLosses> {
  const upstream = await deps.mappings.upstreamOf(repository);
  if (upstream === undefined) return { removed: [], failed: new Map() };
  const place = { repository, upstream, deps, signal };
  const lost = await lostDigests(hints, place);
  const suspects = await suspectTags(hints, lost, place);
  await queueAgain(suspects, deps);

  const failures: Failure[] = [];
  const tags = await removeTags(suspects, place, failures);
  const digests = new Set([...lost, ...suspects.map(({ mapping }) => mapping.digest)]);
  const gone = await removeDigests(place, [...digests]).catch((error: unknown) => {
    failures.push({ digests: [...digests], error });
    return [];
  });
  return { removed: [...tags, ...gone], failed: failedHints(hints, failures) };
}

interface Failure {
  tag?: string;
  digests: Digest[];
  error: unknown;
}

function imagesOf(hint: LossHint): HintedImage[] {
  return hint.images === 'all' ? [] : hint.images;
}

/** The digests in the hints that the mirror can't serve. */
async function lostDigests(hints: LossHint[], { repository, deps, signal }: LossPlace): Promise<Set<Digest>> {
  const named = hints.flatMap(imagesOf).flatMap(({ digest }) => digest ?? []);
  const digests = [...new Set(named)];
  const reasons = await deps.images.losses(
    repository,
    digests.map((digest) => ({ digest })),
    { signal },
  );
  return new Set(digests.filter((_, index) => reasons[index] !== undefined));
}

/**
 * The mapped tags that seem to be lost. An event about a digest need not name the tags that point
 * to it, and one about a tag need not name what it is mapped to.
 */
async function suspectTags(
  hints: LossHint[],
  lost: Set<Digest>,
  { repository, upstream, deps, signal }: LossPlace,
): Promise<StoredMapping[]> {
  const { mappings, images } = deps;
  const all = hints.some((hint) => hint.images === 'all');
  const tags = new Set(hints.flatMap(imagesOf).flatMap(({ tag }) => tag ?? []));
  // No tag is mapped to what retention deletes: the tags of the repository, however many, need not
  // be read for each image that it deletes.
  const states = all
    ? []
    : await inParallel([...lost], readsAtOnce, (reference) => mappings.read({ ...upstream, reference }));
  const stored =
    all || states.some((state) => state?.isRetired !== true)
      ? await mappings.tagsOf(upstream)
      : await mappings.readMany([...tags].map((tag) => ({ ...upstream, reference: tag })));
  const mapped = stored.filter(({ mapping }) => mapping.mirrorRepository === repository);
  const certain = mapped.filter(({ mapping }) => lost.has(mapping.digest));
  const open = mapped.filter(
    ({ key, mapping }) => !lost.has(mapping.digest) && (all || tags.has(key.reference)),
  );
  const reasons = await images.losses(
    repository,
    open.map(({ key, mapping }) => ({ digest: mapping.digest, tag: key.reference })),
    { signal },
  );
  return [...certain, ...open.filter((_, index) => reasons[index] !== undefined)];
}

/** Queues the tags that a rule names and that nobody has pinned. */
async function queueAgain(suspects: StoredMapping[], deps: LossDependencies): Promise<void> {
  const wanted = suspects.filter(
    ({ key: { registry, repository, reference: tag }, mapping }) =>
      !mapping.pin && selectImage(deps.config, { registry, repository, tag }).mirrored,
  );
  try {
    await enqueue(
      wanted.map(({ key }) => ({ key })),
      'reconcile',
      deps,
    );
  } catch (error) {
    // Those jobs are parked: they run a minute later.
    if (!(error instanceof NotQueuedError)) throw error;
    deps.warn('lost tags are queued again only in a minute', error);
  }
}

async function removeTags(
  suspects: StoredMapping[],
  { repository, deps, signal }: LossPlace,
  failures: Failure[],
): Promise<RemovedImage[]> {
  const { mappings, images, now = () => new Date() } = deps;
  const removed = await inParallel(
    suspects,
    removalsAtOnce,
    async ({ key, mapping: seen }): Promise<RemovedImage[]> => {
      try {
        const outcome = await removeMapping(mappings, {
          key,
          owner,
          signal,
          look: async (mapping) => {
            if (mapping.mirrorRepository !== repository) return undefined;
            const image = { digest: mapping.digest, tag: key.reference };
            const [reason] = await images.losses(repository, [image], { signal });
            return reason && { reason, at: now().toISOString() };
          },
        });
        if (outcome.kind === 'kept') return [];
        await announceRemoved(outcome, deps);
        return [{ key, reason: outcome.removal.reason }];
      } catch (error) {
        failures.push({ tag: key.reference, digests: [seen.digest], error });
        return [];
      }
    },
  );
  return removed.flat();
}

/** Tells others about a tag. What is mapped by its digest alone comes and goes with tags. */
async function announceRemoved(
  { stored, removal }: Extract<RemovalOutcome, { kind: 'removed' }>,
  deps: LossDependencies,
): Promise<void> {
  const { config, mappings } = deps;
  await announce(
    async () => mappingRemoved({ config, stored, removal, hosts: await mappings.registryHosts() }),
    deps,
  );
}

function failedHints(hints: LossHint[], failures: Failure[]): Map<LossHint, unknown> {
  const failed = new Map<LossHint, unknown>();
  for (const hint of hints) {
    const failure = failures.find(
      ({ tag, digests }) =>
        hint.images === 'all' ||
        hint.images.some(
          (image) =>
            (image.tag !== undefined && image.tag === tag) ||
            (image.digest !== undefined && digests.includes(image.digest)),
        ),
    );
    if (failure) failed.set(hint, failure.error);
  }
  return failed;
}
