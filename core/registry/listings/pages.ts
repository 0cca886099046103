import { isDigest } from '../../oci/digest.ts';
import { isTag } from '../../oci/reference.ts';
import { RegistryError } from '../errors.ts';
import type { Answer, CallOptions, Exchange } from '../exchange.ts';
import { maxItems } from '../operations/lists/lists.ts';
import type { ListedTag } from '../operations/lists/tags.ts';
import { readBounded } from '../transport/body.ts';

/** So many items are asked for at once; all of these APIs allow no more. */
export const pageSize = 100;
/** A page of a hundred images has a few hundred kilobytes at most. */
const maxPageBytes = 16 * 1024 * 1024;
/** The most tags in a page: an image has a few. */
const maxPageTags = 10_000;
const maxPages = maxItems / pageSize;

/** One page of a list. */
export interface TagPage {
  tags: ListedTag[];
  /** Whether there is another page. */
  more: boolean;
  /** How many items all pages have together, and what tells those of this page apart, if told. */
  total?: { count: number; keys: string[] } | undefined;
}

/** A list whose pages have numbers, from 1 on. */
export interface PagedCall {
  repository: string;
  urlOf(page: number): URL;
  /** Undefined if the answer is not such a page. */
  read(json: unknown, answer: Answer): TagPage | undefined;
}

/** Reads JSON of limited size. @throws RegistryError ANSWER_INVALID */
export async function readJson(
  exchange: Exchange,
  call: { operation: string; repository: string },
  answer: Answer,
): Promise<unknown> {
  const bytes = await readBounded(answer.body, maxPageBytes);
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    throw invalid(exchange, call, answer.status, 'the answer is not JSON');
  }
}

/** What all these calls have in common: two attempts, but more patience with a rate limit. */
export const apiCall = {
  method: 'GET',
  scopes: [],
  headers: { accept: 'application/json' },
  expect: [200],
  unknownCode: 'NAME_UNKNOWN',
  retry: true,
  patience: 2,
} as const;

/** The code of a list that changed while it was read: it may lack something. */
export const listChanged = 'LIST_CHANGED';

/**
 * All tags of a list, page by page as they are read. Only the answer's fields count: a hostile one
 * cannot lead to another address.
 *
 * @throws RegistryError ANSWER_INVALID; ANSWER_TOO_LARGE for a list that does not end; LIST_CHANGED
 *   after the last page, if the pages do not fit together
 */
export async function* listPages(
  exchange: Exchange,
  { repository, urlOf, read }: PagedCall,
  { signal }: CallOptions = {},
): AsyncGenerator<ListedTag> {
  const call = { operation: 'list tags of', repository };
  let left = maxItems;
  const items = new CountedItems();
  for (let number = 1; ; number += 1) {
    const page = await exchange.perform(
      { ...apiCall, ...call, url: urlOf(number), signal },
      async (answer) => {
        const found = read(await readJson(exchange, call, answer), answer);
        if (found) return found;
        throw invalid(exchange, call, answer.status, 'the answer is not a page of tags');
      },
    );
    left -= page.tags.length;
    const isPageTooLong = page.tags.length > maxPageTags;
    if (isPageTooLong || left < 0 || (page.more && number >= maxPages)) {
      throw new RegistryError(exchange.context(call), {
        code: 'ANSWER_TOO_LARGE',
        reason: isPageTooLong
          ? `a page of the list has more than ${maxPageTags} tags`
          : `the list has more than ${left < 0 ? `${maxItems} tags` : `${maxPages} pages`}`,
      });
    }
    yield* page.tags;
    items.add(page.total);
    if (page.more) continue;
    const reason = items.problem;
    if (reason === undefined) return;
    throw new RegistryError(exchange.context(call), { code: listChanged, reason });
  }
}

/**
 * Whether a list stayed the same while its pages were read. What is deleted meanwhile moves the
 * rest forward, past the end of the page that was read; what is pushed again moves to the first
 * page.
 */
class CountedItems {
  readonly #keys = new Set<string>();
  readonly #counts = new Set<number>();

  add(total: TagPage['total']): void {
    if (total === undefined) return;
    this.#counts.add(total.count);
    for (const key of total.keys) this.#keys.add(key);
  }

  get problem(): string | undefined {
    const [first = 0, second] = this.#counts;
    if (second !== undefined) return `the list changed from ${first} to ${second} items`;
    const read = this.#keys.size;
    return read < first ? `the list changed: ${read} of ${first} items were read` : undefined;
  }
}

function invalid(
  exchange: Exchange,
  call: { operation: string; repository: string },
  status: number,
  reason: string,
): RegistryError {
  return new RegistryError(exchange.context(call), { code: 'ANSWER_INVALID', status, reason });
}

/** The total of a page; undefined if the answer has none. */
export function totalOf(count: unknown, keys: unknown[]): TagPage['total'] {
  if (typeof count !== 'number' || !Number.isSafeInteger(count)) return undefined;
  return { count, keys: keys.filter((key) => typeof key === 'string') };
}

/** A tag as an API names it; nothing if it is none, so that it could not be requested. */
export function listedTag(name: unknown, digest: unknown): ListedTag[] {
  if (typeof name !== 'string' || !isTag(name)) return [];
  return [isDigest(digest) ? { tag: name, digest } : { tag: name }];
}
