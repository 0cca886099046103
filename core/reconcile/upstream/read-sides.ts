import type { RepositoryRule, Upstream } from '../../config/config.ts';
import { requireOpen } from '../../jobs/upstream-gate.ts';
import type { MappedTag } from '../../mapping/store.ts';
import { mirrorRepository } from '../../policy/mirror-repository.ts';
import { RegistryError } from '../../registry/errors.ts';
import { listsElsewhere } from '../../registry/listings/choose.ts';
import type { ListedTag } from '../../registry/operations/lists/tags.ts';
import { wantedBy } from '../compare.ts';
import { type Listing, readListing, type Sides } from '../differences.ts';
import type { ReconcileDependencies } from '../ports.ts';
import { askedUpstream } from './answers.ts';

/** A repository that is compared, and the rule that covers it. */
export interface ComparedRepository {
  upstream: Upstream;
  repository: string;
  rule: RepositoryRule;
}

/** What a repository has upstream, and what is mapped. */
export interface ReadSides {
  listing: Listing;
  sides: Sides;
  /** The mirror repository. */
  place: string;
  /**
   * Whether the upstream has a tag; throws if it fails. If something answers that does not speak
   * for the registry, the tag counts as there.
   */
  hasTag: (tag: string, signal: AbortSignal) => Promise<boolean>;
}

/** How a comparison is limited. */
export interface ReadLimits {
  signal: AbortSignal;
  /** Waits until this many tags may be held. */
  reach?: ((tags: number) => Promise<void>) | undefined;
}

/**
 * Reads what a comparison compares. Every request to the upstream waits for nothing: a closed one
 * is not asked.
 *
 * @throws UpstreamClosedError, RegistryError
 */
export async function readSides(
  { upstream, repository, rule }: ComparedRepository,
  deps: Pick<
    ReconcileDependencies,
    'config' | 'mappings' | 'mirrorTags' | 'upstreams' | 'gate' | 'now' | 'warn'
  >,
  { signal, reach }: ReadLimits,
): Promise<ReadSides> {
  const { registry } = upstream;
  const place = mirrorRepository(deps.config, registry, repository);
  const mapped = new Map<string, MappedTag>();
  for await (const each of deps.mappings.mappedTags({ registry, repository })) mapped.set(each.tag, each);
  const mirrorTags = mapped.size > 0 ? await deps.mirrorTags(place, signal) : new Map<string, string>();
  const tags = deps.upstreams.listTags(upstream, repository, signal);
  const ask = ({ tag }: ListedTag) => deps.upstreams.tagDigest(upstream, repository, tag, signal);
  const asked = askedUpstream(upstream, tags, deps, listsElsewhere(upstream) ? ask : undefined);
  const listing = await readListing(rule, asked, mapped, reach);
  const open = () => requireOpen(deps.gate, upstream, deps.now());
  return {
    listing,
    place,
    sides: {
      mapped,
      wanted: wantedBy(rule, { mirrorRepository: place, mirrorTags }),
      async tagDigest(tag, inner) {
        await open();
        return await deps.upstreams.tagDigest(upstream, repository, tag, inner);
      },
    },
    async hasTag(tag, inner) {
      await open();
      try {
        return await deps.upstreams.hasTag(upstream, repository, tag, inner);
      } catch (error) {
        if (!(error instanceof RegistryError) || error.code !== 'ANSWER_INVALID') throw error;
        deps.warn('whether a tag was deleted upstream is not known: its mapping stays', error);
        return true;
      }
    },
  };
}
