import type { Config } from '../config/config.ts';
import { selectImage } from '../policy/select-image.ts';
import type { DryRunStore } from './dry-run/ports.ts';
import type { ReconcileStore } from './ports.ts';
import type { Place } from './round.ts';

/** What will be compared: one repository, or everything that the rules of a registry cover. */
export interface Requested {
  registry: string;
  repository?: string;
}

/** Why a repository is not compared. */
export interface RequestRefused {
  refused: string;
}

/**
 * Asks for a comparison of everything with the mirror, or of one repository, as soon as the
 * schedule comes to it. A rule with `reconcile: never` is compared, too: somebody asks.
 */
export async function requestReconcile(
  config: Config,
  place: Place | undefined,
  { store, now }: { store: Pick<ReconcileStore, 'request' | 'requestSearch'>; now: Date },
): Promise<Requested[] | RequestRefused> {
  const at = now.toISOString();
  if (place === undefined) {
    const registries = config.upstreams.map(({ registry }) => registry);
    await Promise.all(registries.map((registry) => store.requestSearch(registry, at)));
    return registries.map((registry) => ({ registry }));
  }
  const refused = refusalOf(config, place);
  if (refused) return refused;
  await store.request(place, at);
  return [{ registry: place.registry, repository: place.repository }];
}

/** Asks for a dry run of everything, or of one repository. */
export async function requestDryRun(
  config: Config,
  place: Place | undefined,
  { store, now }: { store: Pick<DryRunStore, 'ask'>; now: Date },
): Promise<Requested[] | RequestRefused> {
  const refused = place && refusalOf(config, place);
  if (refused) return refused;
  const scopes = place ? [place] : config.upstreams.map(({ registry }) => ({ registry }));
  await Promise.all(scopes.map((scope) => store.ask({ ...scope, askedAt: now.toISOString() })));
  return scopes;
}

function refusalOf(config: Config, place: Place): RequestRefused | undefined {
  const selection = selectImage(config, place);
  return selection.mirrored ? undefined : { refused: selection.reason };
}
