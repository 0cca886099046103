import type { Digest } from '../../../oci/digest.ts';
import { isTag } from '../../../oci/reference.ts';
import type { Exchange } from '../../exchange.ts';
import { repositoryUrl } from '../paths.ts';
import { type ListCall, type ListOptions, listItems, listPages } from './lists.ts';

/** A tag, and what it points to if the list says so. */
export interface ListedTag {
  tag: string;
  digest?: Digest | undefined;
}

/**
 * All tags of a repository, page by page as they are read
 * (https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags). Items
 * that are not valid tags could not be requested and are left out. Throws NAME_UNKNOWN for an
 * unknown repository, and what {@link listItems} throws.
 */
export function listTags(
  exchange: Exchange,
  repository: string,
  options?: ListOptions,
): AsyncGenerator<string> {
  return listItems(exchange, callFor(exchange, repository), options);
}

/**
 * As {@link listTags}, with the digests that Google's registries add to the same answer: an object
 * `manifest` of what each digest is tagged as
 * (https://github.com/google/go-containerregistry/blob/main/pkg/v1/google/list.go).
 */
export async function* listTagsWithDigests(
  exchange: Exchange,
  repository: string,
  options?: ListOptions,
): AsyncGenerator<ListedTag> {
  const call = { ...callFor(exchange, repository), digests: true };
  for await (const { items, digests } of listPages(exchange, call, options)) {
    for (const tag of items) {
      const digest = digests.get(tag);
      yield digest === undefined ? { tag } : { tag, digest };
    }
  }
}

function callFor(exchange: Exchange, repository: string): ListCall {
  return {
    operation: 'list tags of',
    repository,
    url: repositoryUrl(exchange.endpoint, repository, 'tags/list'),
    scopes: [exchange.readScope(repository)],
    unknownCode: 'NAME_UNKNOWN',
    key: 'tags',
    isItem: isTag,
    tooLongRemedy:
      'check that the endpoint is a registry, and have old tags of the repository deleted if there really are that many',
  };
}
