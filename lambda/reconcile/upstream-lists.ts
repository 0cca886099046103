import type { UpstreamLists } from '../../core/reconcile/ports.ts';
import type { Upstreams } from '../shared/upstreams.ts';

/** What comparisons ask of upstreams, by the distribution API. */
export function upstreamLists(upstreams: Upstreams): UpstreamLists {
  return {
    async *listTags(upstream, repository, signal) {
      for await (const tag of upstreams.client(upstream).listTags(repository, { signal })) yield { tag };
    },
    listRepositories: (upstream, signal) => upstreams.client(upstream).listRepositories({ signal }),
    async hasTag(upstream, repository, tag, signal) {
      return (await upstreams.client(upstream).headManifest(repository, tag, { signal })) !== undefined;
    },
    async tagDigest(upstream, repository, tag, signal) {
      return (await upstreams.client(upstream).headManifest(repository, tag, { signal }))?.digest;
    },
  };
}
