import { inParallel } from '../../async/in-parallel.ts';
import { RegistryError } from '../../registry/errors.ts';
import { differencesOf } from '../differences.ts';
import { type ComparedRepository, type ReadSides, readSides } from '../upstream/read-sides.ts';
import type { DryRunDependencies } from './ports.ts';
import type { WouldDo } from './report.ts';

/** Tags that are asked for at once. */
const atOnce = 4;

/**
 * Tells what comparing a repository now would do, by the same reads.
 *
 * @throws UpstreamClosedError, RegistryError
 */
export async function dryRunRepository(
  compared: ComparedRepository,
  deps: DryRunDependencies,
  signal: AbortSignal,
): Promise<WouldDo[]> {
  const { repository, rule, upstream } = compared;
  const { listing, sides, place, hasTag } = await readSides(compared, deps, { signal });
  const differences = await differencesOf(listing.selected, sides, signal);
  const gone = rule.deleted === 'unmap' ? listing.gone : [];
  const kept = await inParallel(
    gone,
    atOnce,
    async (tag, inner) => ((await isKept(tag, hasTag, inner)) ? tag : undefined),
    signal,
  );
  const unmapped = new Set(gone.filter((tag) => !kept.includes(tag)));
  const losses = sides.mapped.size > 0 ? await lossesOf({ place, repository, upstream }, deps, signal) : [];
  const settings = await deps.planSettings(place, { signal });
  return [
    ...differences.map(({ tag, why }): WouldDo => ({ action: 'queue', repository, tag, why })),
    ...[...unmapped].map((tag): WouldDo => ({ action: 'unmap', repository, tag, why: 'deleted_upstream' })),
    ...losses.filter((loss) => loss.action !== 'mend' || !unmapped.has(loss.tag)),
    ...(settings?.changed ?? []).map((why): WouldDo => ({ action: 'set', repository, why })),
  ];
}

/** Whether a tag that the list does not have stays mapped: the upstream has it, or nobody knows. */
async function isKept(tag: string, hasTag: ReadSides['hasTag'], signal: AbortSignal): Promise<boolean> {
  try {
    return await hasTag(tag, signal);
  } catch (error) {
    if (!(error instanceof RegistryError) || error.code !== 'ANSWER_INVALID') throw error;
    return true;
  }
}

/** The mapped tags whose images the mirror has lost. */
async function lossesOf(
  {
    place,
    repository,
    upstream: { registry },
  }: Pick<ComparedRepository, 'repository' | 'upstream'> & { place: string },
  { mappings, images }: Pick<DryRunDependencies, 'mappings' | 'images'>,
  signal: AbortSignal,
): Promise<WouldDo[]> {
  const stored = await mappings.tagsOf({ registry, repository });
  const here = stored.filter(({ mapping }) => mapping.mirrorRepository === place);
  const reasons = await images.losses(
    place,
    here.map(({ key, mapping }) => ({ digest: mapping.digest, tag: key.reference })),
    { signal },
  );
  return here.flatMap(({ key }, index): WouldDo[] => {
    const why = reasons[index];
    return why === undefined ? [] : [{ action: 'mend', repository, tag: key.reference, why }];
  });
}
