import { inParallel } from '../../async/in-parallel.ts';
import { differencesOf } from '../differences.ts';
import { type ComparedRepository, readSides } from '../upstream/read-sides.ts';
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
  const { listing, sides, place, hasTag } = await readSides(compared, deps, signal);
  const differences = await differencesOf(listing.selected, sides, signal);
  const gone = rule.deleted === 'unmap' ? listing.gone : [];
  const kept = new Set(
    (
      await inParallel(gone, atOnce, async (tag, inner) => ((await hasTag(tag, inner)) ? tag : []), signal)
    ).flat(),
  );
  const unmapped = new Set(gone.filter((tag) => !kept.has(tag)));
  const losses = sides.mapped.size > 0 ? await lossesOf({ place, repository, upstream }, deps, signal) : [];
  const settings = await deps.planSettings(place, { signal });
  return [
    ...differences.map(({ tag, why }): WouldDo => ({ action: 'queue', repository, tag, why })),
    ...[...unmapped].map((tag): WouldDo => ({ action: 'unmap', repository, tag, why: 'deleted_upstream' })),
    ...losses.filter((loss) => loss.action !== 'mend' || !unmapped.has(loss.tag)),
    ...(settings?.changed ?? []).map((why): WouldDo => ({ action: 'set', repository, why })),
  ];
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
