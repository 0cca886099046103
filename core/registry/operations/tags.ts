import { isTag } from '../../oci/reference.ts';
import type { Exchange } from '../exchange.ts';
import { type ListOptions, listItems } from './lists.ts';
import { repositoryUrl } from './paths.ts';

/**
 * All tags of a repository, page by page as they are read
 * (https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags). Items
 * that are not valid tags could not be requested and are left out. Throws NAME_UNKNOWN for an
 * unknown repository, and what {@link listItems} throws.
 */
export async function* listTags(
  exchange: Exchange,
  repository: string,
  options?: ListOptions,
): AsyncGenerator<string> {
  const call = {
    operation: 'list tags of',
    repository,
    url: repositoryUrl(exchange.endpoint, repository, 'tags/list'),
    scopes: [exchange.readScope(repository)],
    unknownCode: 'NAME_UNKNOWN',
    key: 'tags' as const,
    isItem: isTag,
    tooLongRemedy:
      'check that the endpoint is a registry, and have old tags of the repository deleted if there really are that many',
  };
  yield* listItems(exchange, call, options);
}
