import { isRepository } from '../../../oci/reference.ts';
import { catalogScope } from '../../auth/scopes.ts';
import type { Exchange } from '../../exchange.ts';
import { apiUrl } from '../paths.ts';
import { type ListOptions, listItems } from './lists.ts';

/**
 * All repositories of a registry, page by page as they are read: `GET /v2/_catalog`
 * (https://distribution.github.io/distribution/spec/api/#listing-repositories). It is Docker's, not
 * part of the OCI specification: many registries do not offer it, or only to administrators. Throws
 * what {@link listItems} throws.
 */
export function listRepositories(exchange: Exchange, options?: ListOptions): AsyncGenerator<string> {
  const call = {
    operation: 'list repositories',
    url: new URL('_catalog', apiUrl(exchange.endpoint)),
    scopes: [catalogScope],
    unknownCode: 'UNSUPPORTED',
    key: 'repositories' as const,
    isItem: isRepository,
    tooLongRemedy:
      'check that the endpoint is a registry; if it really has that many repositories, name the ones that you want',
  };
  return listItems(exchange, call, options);
}
