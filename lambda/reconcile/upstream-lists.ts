import type { UpstreamLists } from '../../core/reconcile/ports.ts';
import type { Upstreams } from '../shared/upstreams.ts';

/**
 * What comparisons ask of upstreams: tags with digests by the registry’s own API where it has one,
 * everything else by the distribution API.
 */
export function upstreamLists(upstreams: Pick<Upstreams, 'client' | 'listTags'>): UpstreamLists {
  return {
    listTags: (upstream, repository, signal) => upstreams.listTags(upstream, repository, signal),
    listRepositories: (upstream, signal) => upstreams.client(upstream).listRepositories({ signal }),
    hasTag: (upstream, repository, tag, signal) =>
      upstreams.client(upstream).hasTag(repository, tag, { signal }),
    async tagDigest(upstream, repository, tag, signal) {
      return (await upstreams.client(upstream).headManifest(repository, tag, { signal }))?.digest;
    },
  };
}
