import { isTag } from '../oci/reference.ts';
import { readBounded } from './body.ts';
import { RegistryError } from './errors.ts';
import type { Answer, Call, CallOptions, Exchange } from './exchange.ts';
import { nextPage } from './pages.ts';
import { repositoryUrl } from './paths.ts';

/**
 * One page of tags is read up to this size: ten thousand of the longest, or, of a registry that sends all at once, the most that
 * are listed. JSON parsed is many times its text: 2 MiB of `{}` become some 50 MB.
 */
export const maxTagsPageBytes = 2 * 1024 * 1024;

/** The most tags of one repository that are listed; more is a registry that never ends. */
export const maxTags = 100_000;

/** The most pages of one list; with fewer than fifty tags each it would not be worth its requests. */
const maxPages = 2_000;

/** ECR refuses more: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ListImages.html */
const defaultPageSize = 1000;

export interface ListTagsOptions extends CallOptions {
  /** How many tags to ask for at once; the registry may send fewer, or all. */
  pageSize?: number;
}

/**
 * All tags of a repository, page by page as they are read
 * (https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags). What is no tag by the grammar could not be asked
 * for and is left out. Throws NAME_UNKNOWN for an unknown repository, LINK_REFUSED when the next page is elsewhere,
 * ANSWER_TOO_LARGE for more than 100,000 tags.
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
  let count = 0;
  let url: URL | undefined = repositoryUrl(exchange.endpoint, repository, 'tags/list');
  url.searchParams.set('n', String(pageSize));
  while (url) {
    seen.add(url.href);
    const page: TagsPage & { next: URL | undefined } = await exchange.perform(
      {
        ...call,
        method: 'GET',
        url,
        scopes: [exchange.readScope(repository)],
        headers: { accept: 'application/json' },
        expect: [200],
        unknownCode: 'NAME_UNKNOWN',
        retry: true,
        work: 'fetch',
        signal,
      },
      async (answer) => ({
        ...(await readTags(exchange, call, answer)),
        next: nextPage(exchange, call, answer, seen),
      }),
    );
    count += page.count;
    if (count > maxTags) throw tooLong(exchange, call, `${maxTags} tags`);
    yield* page.tags;
    if (seen.size >= maxPages && page.next) throw tooLong(exchange, call, `${maxPages} pages`);
    url = page.next;
  }
}

interface TagsPage {
  tags: string[];
  /** Of all that the page lists, tags or not. */
  count: number;
}

function tooLong(exchange: Exchange, call: Pick<Call, 'operation' | 'repository'>, limit: string) {
  return new RegistryError(exchange.context(call), {
    code: 'ANSWER_TOO_LARGE',
    reason: `the list has more than ${limit}`,
    remedy:
      'check that the endpoint is a registry, and have the repository’s old tags deleted if they are as many',
  });
}

async function readTags(
  exchange: Exchange,
  call: Pick<Call, 'operation' | 'repository'>,
  answer: Answer,
): Promise<TagsPage> {
  const bytes = await readBounded(answer.body, maxTagsPageBytes);
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    parsed = undefined;
  }
  const tags: unknown =
    typeof parsed === 'object' && parsed !== null ? (parsed as { tags?: unknown }).tags : undefined;
  // Go writes an empty list that was never set as null.
  if (tags === null) return { tags: [], count: 0 };
  if (Array.isArray(tags)) {
    return { tags: tags.filter((tag) => typeof tag === 'string' && isTag(tag)), count: tags.length };
  }
  throw new RegistryError(exchange.context(call), {
    code: 'ANSWER_INVALID',
    status: answer.status,
    reason: 'the answer is no list of tags',
  });
}
