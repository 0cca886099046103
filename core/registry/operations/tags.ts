import { isTag } from '../../oci/reference.ts';
import { RegistryError } from '../errors.ts';
import type { Answer, Call, CallOptions, Exchange } from '../exchange.ts';
import { readThrough } from '../transport/body.ts';
import { nextPage } from './pages.ts';
import { repositoryUrl } from './paths.ts';
import { TagListError, TagListReader } from './tag-list-reader.ts';

/**
 * The most tags to list of one repository, and the most characters in all of them; a registry with
 * more may never end.
 */
export const maxTags = 1_000_000;
const maxCharacters = 64 * 1024 * 1024;

/**
 * Beside its tags an answer may hold much else (some 300 bytes an image at Google's), which is only
 * read past.
 */
const maxPageBytes = 512 * 1024 * 1024;

/**
 * The most pages of one list; with fewer than fifty tags each it would not be worth its requests.
 */
const maxPages = 20_000;

/**
 * Status codes for the first page with which a registry refuses `n`, or so many at once.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags
 */
const sizeRefusals: ReadonlySet<number> = new Set([400, 405, 406, 413, 416, 422, 501]);

/**
 * ECR refuses more: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ListImages.html
 */
const defaultPageSize = 1000;

export interface ListTagsOptions extends CallOptions {
  /** How many tags to ask for at once; the registry may send fewer, or all. */
  pageSize?: number;
}

/**
 * All tags of a repository, page by page as they are read
 * (https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags). What is
 * no tag by the grammar could not be asked for and is left out. A registry that refuses `n` is
 * asked without it. Throws NAME_UNKNOWN for an unknown repository, LINK_REFUSED when the next page
 * is elsewhere or unintelligible, ANSWER_TOO_LARGE for more than a million tags.
 */
export async function* listTags(
  exchange: Exchange,
  repository: string,
  { signal, pageSize = defaultPageSize }: ListTagsOptions = {},
): AsyncGenerator<string> {
  if (!Number.isInteger(pageSize) || pageSize < 1) {
    throw new TypeError(`pageSize: ${pageSize} is no number of tags; give 1 or more`);
  }
  const call = { operation: 'list tags of', repository };
  const seen = new Set<string>();
  let left = { tags: maxTags, characters: maxCharacters };
  let url: URL | undefined = repositoryUrl(exchange.endpoint, repository, 'tags/list');
  if (!exchange.refused.has('page-size')) url.searchParams.set('n', String(pageSize));
  while (url) {
    seen.add(url.href);
    let page: TagsPage;
    try {
      page = await readPage(exchange, call, url, { seen, left, signal });
    } catch (error) {
      if (seen.size > 1 || !url.searchParams.has('n') || !isSizeRefused(error)) throw error;
      url.searchParams.delete('n');
      page = await readPage(exchange, call, url, { seen, left, signal });
      exchange.refused.add('page-size');
    }
    left = page.left;
    yield* page.tags;
    if (seen.size >= maxPages && page.next) throw tooLong(exchange, call, `${maxPages} pages`);
    url = page.next;
  }
}

/** How much of a list may still come. */
interface Left {
  /** Items of the list, tags or not. */
  tags: number;
  characters: number;
}

interface TagsPage {
  tags: string[];
  next: URL | undefined;
  left: Left;
}

type ListCall = Pick<Call, 'operation' | 'repository'>;

function isSizeRefused(error: unknown): boolean {
  return error instanceof RegistryError && error.status !== undefined && sizeRefusals.has(error.status);
}

function readPage(
  exchange: Exchange,
  call: ListCall & { repository: string },
  url: URL,
  { seen, left, signal }: CallOptions & { seen: ReadonlySet<string>; left: Left },
): Promise<TagsPage> {
  return exchange.perform(
    {
      ...call,
      method: 'GET',
      url,
      scopes: [exchange.readScope(call.repository)],
      headers: { accept: 'application/json' },
      expect: [200],
      unknownCode: 'NAME_UNKNOWN',
      retry: true,
      work: 'fetch',
      signal,
    },
    async (answer) => ({
      ...(await readTags(exchange, call, answer, left)),
      next: nextPage(exchange, call, answer, seen),
    }),
  );
}

function tooLong(exchange: Exchange, call: ListCall, limit: string) {
  return new RegistryError(exchange.context(call), {
    code: 'ANSWER_TOO_LARGE',
    reason: `the list has more than ${limit}`,
    remedy:
      'check that the endpoint is a registry, and have the repository’s old tags deleted if they are as many',
  });
}

async function readTags(
  exchange: Exchange,
  call: ListCall,
  answer: Answer,
  left: Left,
): Promise<Omit<TagsPage, 'next'>> {
  const tags: string[] = [];
  let { tags: items, characters } = left;
  const reader = new TagListReader((item) => {
    items -= 1;
    if (items < 0) throw tooLong(exchange, call, `${maxTags} tags`);
    if (item === undefined || !isTag(item)) return;
    characters -= item.length;
    if (characters < 0) throw tooLong(exchange, call, `${maxCharacters} characters`);
    tags.push(item);
  });
  try {
    await readThrough(answer.body, maxPageBytes, (chunk) => reader.write(chunk));
    reader.end();
  } catch (error) {
    if (!(error instanceof TagListError)) throw error;
    const { status } = answer;
    throw new RegistryError(exchange.context(call), {
      code: 'ANSWER_INVALID',
      status,
      reason: error.message,
    });
  }
  return { tags, left: { tags: items, characters } };
}
