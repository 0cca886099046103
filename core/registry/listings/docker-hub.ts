import { field } from '../../oci/json-field.ts';
import type { CallOptions, Exchange } from '../exchange.ts';
import type { ListedTag } from '../operations/lists/tags.ts';
import type { HttpAnswer, Transport } from '../transport/transport.ts';
import { listedTag, listPages, pageSize, type TagPage, totalOf } from './pages.ts';
import type { TagApi } from './tag-api.ts';

/** https://docs.docker.com/reference/api/hub/latest/ */
export const dockerHubApi = 'https://hub.docker.com';

/**
 * The tags of Docker Hub, a hundred at a time:
 * https://docs.docker.com/reference/api/hub/latest/operations/ListRepositoryTags/. The digest is that
 * of the index, if there is one; very old tags have none.
 */
export class DockerHubTags implements TagApi {
  readonly #exchange: Exchange;

  /** @param exchange with Docker Hub's API, not with its registry */
  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  async list(repository: string, options?: CallOptions): Promise<AsyncIterable<ListedTag> | undefined> {
    const [namespace, name, ...rest] = repository.split('/');
    if (namespace === undefined || name === undefined || rest.length > 0) return undefined;
    const path = `v2/namespaces/${namespace}/repositories/${name}/tags`;
    const urlOf = (page: number) =>
      new URL(`/${path}?page_size=${pageSize}&page=${page}`, this.#exchange.endpoint);
    return listPages(this.#exchange, { repository, urlOf, read }, options);
  }
}

function read(json: unknown): TagPage | undefined {
  const results = field(json, 'results');
  const next = field(json, 'next');
  if (!Array.isArray(results) || (next !== null && typeof next !== 'string')) return undefined;
  const tags = results.flatMap((result) => listedTag(field(result, 'name'), field(result, 'digest')));
  const names = results.map((result) => field(result, 'name'));
  const total = totalOf(field(json, 'count'), names);
  return { tags, more: next !== null && results.length > 0, total };
}

/**
 * Docker Hub's API says with `Retry-After` when it answers again
 * (https://docs.docker.com/reference/api/hub/latest/#rate-limiting). The header was called
 * `X-Retry-After` before, and was a time in seconds since 1970
 * (https://github.com/docker/hub-feedback/issues/2459). This gives it its usual name.
 */
export function withRetryAfter(transport: Transport): Transport {
  return async (request) => {
    const answer = await transport(request);
    const header = (name: string) =>
      answer.header(name) ?? (name === 'retry-after' ? retryAfter(answer) : undefined);
    return { ...answer, header };
  };
}

function retryAfter({ header }: HttpAnswer): string | undefined {
  const value = header('x-retry-after');
  // From this value on, it can't be a number of seconds.
  return Number(value) >= 1e9 ? new Date(Number(value) * 1_000).toUTCString() : value;
}
