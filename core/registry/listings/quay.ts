import { field } from '../../oci/json-field.ts';
import type { CallOptions, Exchange } from '../exchange.ts';
import type { ListedTag } from '../operations/lists/tags.ts';
import { listedTag, listPages, pageSize, type TagPage } from './pages.ts';
import type { TagApi } from './tag-api.ts';

/**
 * The tags of quay.io or another Quay, a hundred at a time: `listRepoTags` of
 * https://docs.redhat.com/en/documentation/red_hat_quay/3/html/red_hat_quay_api_reference/listrepotags.
 * Robot accounts, with which images are pulled, can't use the API, so it is asked anonymously: it
 * lists public repositories.
 */
export class QuayTags implements TagApi {
  readonly #exchange: Exchange;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  async list(repository: string, options?: CallOptions): Promise<AsyncIterable<ListedTag> | undefined> {
    const path = `/api/v1/repository/${repository}/tag/`;
    const urlOf = (page: number) =>
      new URL(`${path}?onlyActiveTags=true&limit=${pageSize}&page=${page}`, this.#exchange.endpoint);
    return listPages(this.#exchange, { repository, urlOf, read }, options);
  }
}

/** https://github.com/quay/quay/blob/master/endpoints/api/tag.py */
function read(json: unknown): TagPage | undefined {
  const list = field(json, 'tags');
  const more = field(json, 'has_additional');
  if (!Array.isArray(list) || typeof more !== 'boolean') return undefined;
  const tags = list.flatMap((each) => listedTag(field(each, 'name'), field(each, 'manifest_digest')));
  return { tags, more: more && list.length > 0 };
}
