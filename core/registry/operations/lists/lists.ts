import { type Digest, isDigest } from '../../../oci/digest.ts';
import { RegistryError } from '../../errors.ts';
import type { Answer, Call, CallOptions, Exchange } from '../../exchange.ts';
import { readThrough } from '../../transport/body.ts';
import { ListError, type ListKey, ListReader } from './list-reader.ts';
import { nextPage } from './pages.ts';

/**
 * The most items of one list, and the most characters in all of them: a longer list may never end.
 */
export const maxItems = 1_000_000;
const maxCharacters = 64 * 1024 * 1024;
/** The most characters of a page's digests and their items; each item counts as so many more. */
const maxDigestCharacters = 16 * 1024 * 1024;
const charactersPerDigest = 64;
/**
 * The most characters of a page's items, which are in memory together; each item counts as some
 * more. Several lists may be read at once.
 */
const maxPageCharacters = 16 * 1024 * 1024;
const charactersPerItem = 24;

/**
 * Besides its items, an answer may hold much else (about 300 bytes per image at Google's), which is
 * skipped.
 */
const maxPageBytes = 512 * 1024 * 1024;

/**
 * The most pages of one list; with fewer than fifty items each, it would not be worth the requests.
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

export interface ListOptions extends CallOptions {
  /** How many items to ask for at once; the registry may send fewer, or all. */
  pageSize?: number;
}

/** A list of the registry. */
export interface ListCall extends Pick<Call, 'operation' | 'repository' | 'url' | 'scopes' | 'unknownCode'> {
  key: ListKey;
  /** Whether a text is a valid item; others are left out. */
  isItem(text: string): boolean;
  /** The remedy if the list is too long. */
  tooLongRemedy: string;
  /** Whether digests that come with the items are read. */
  digests?: boolean;
}

/**
 * The items of a list, page by page as they are read. If a registry refuses `n`, it is asked
 * without it. Throws LINK_REFUSED if the next page is on another host or unintelligible,
 * ANSWER_TOO_LARGE for more than a million items.
 */
export async function* listItems(
  exchange: Exchange,
  call: ListCall,
  options?: ListOptions,
): AsyncGenerator<string> {
  for await (const { items } of listPages(exchange, call, options)) yield* items;
}

/** As {@link listItems}, page by page, with the digests that come with the items. */
export async function* listPages(
  exchange: Exchange,
  call: ListCall,
  { signal, pageSize = defaultPageSize }: ListOptions = {},
): AsyncGenerator<Pick<Page, 'items' | 'digests'>> {
  if (!Number.isInteger(pageSize) || pageSize < 1) {
    throw new TypeError(`pageSize: ${pageSize} is not a number of ${call.key}; give 1 or more`);
  }
  const seen = new Set<string>();
  let left = { items: maxItems, characters: maxCharacters };
  let url: URL | undefined = new URL(call.url);
  if (!exchange.refused.has('page-size', call.key)) url.searchParams.set('n', String(pageSize));
  while (url) {
    seen.add(url.href);
    let page: Page;
    try {
      page = await readPage(exchange, call, url, { seen, left, signal });
    } catch (error) {
      if (seen.size > 1 || !url.searchParams.has('n') || !isSizeRefused(error)) throw error;
      url.searchParams.delete('n');
      page = await readPage(exchange, call, url, { seen, left, signal });
      exchange.refused.add('page-size', call.key);
    }
    left = page.left;
    yield page;
    if (seen.size >= maxPages && page.next) throw tooLong(exchange, call, `${maxPages} pages`);
    url = page.next;
  }
}

/** How much of a list may still come. */
interface Left {
  /** Valid or not. */
  items: number;
  characters: number;
}

interface Page {
  items: string[];
  /** Of items, as far as the answer has them. */
  digests: ReadonlyMap<string, Digest>;
  next: URL | undefined;
  left: Left;
}

function isSizeRefused(error: unknown): boolean {
  return error instanceof RegistryError && error.status !== undefined && sizeRefusals.has(error.status);
}

function readPage(
  exchange: Exchange,
  call: ListCall,
  url: URL,
  { seen, left, signal }: CallOptions & { seen: ReadonlySet<string>; left: Left },
): Promise<Page> {
  const { operation, repository, scopes, unknownCode } = call;
  return exchange.perform(
    {
      operation,
      ...(repository !== undefined && { repository }),
      method: 'GET',
      url,
      scopes,
      headers: { accept: 'application/json' },
      expect: [200],
      unknownCode,
      retry: true,
      work: 'fetch',
      signal,
    },
    async (answer) => ({
      ...(await readItems(exchange, call, answer, left)),
      next: nextPage(exchange, call, answer, seen),
    }),
  );
}

function tooLong(exchange: Exchange, call: ListCall, limit: string) {
  return new RegistryError(exchange.context(call), {
    code: 'ANSWER_TOO_LARGE',
    reason: `the list has more than ${limit}`,
    remedy: call.tooLongRemedy,
  });
}

async function readItems(
  exchange: Exchange,
  call: ListCall,
  answer: Answer,
  left: Left,
): Promise<Omit<Page, 'next'>> {
  const items: string[] = [];
  let { items: count, characters } = left;
  let ofPage = maxPageCharacters;
  const digests = new DigestsByItem(call.isItem);
  const reader = new ListReader(call.key, {
    onItem(item) {
      count -= 1;
      if (count < 0) throw tooLong(exchange, call, `${maxItems} ${call.key}`);
      if (item === undefined || !call.isItem(item)) return;
      characters -= item.length;
      if (characters < 0) throw tooLong(exchange, call, `${maxCharacters} characters`);
      ofPage -= item.length + charactersPerItem;
      if (ofPage < 0) throw tooLong(exchange, call, `${items.length} ${call.key} in one page`);
      items.push(item);
    },
    ...(call.digests && { onManifestTag: (key, tag) => digests.add(tag, key) }),
  });
  try {
    await readThrough(answer.body, maxPageBytes, (chunk) => reader.write(chunk));
    reader.end();
  } catch (error) {
    if (!(error instanceof ListError)) throw error;
    const { status } = answer;
    throw new RegistryError(exchange.context(call), {
      code: 'ANSWER_INVALID',
      status,
      reason: error.message,
    });
  }
  return { items, digests: digests.known, left: { items: count, characters } };
}

/** The digests of a page's items. Two different ones for an item say nothing about it. */
class DigestsByItem {
  readonly #isItem: (text: string) => boolean;
  readonly #found = new Map<string, Digest>();
  readonly #contradicted = new Set<string>();
  #left = maxDigestCharacters;
  #last: string | undefined;

  constructor(isItem: (text: string) => boolean) {
    this.#isItem = isItem;
  }

  add(item: string, digest: string): void {
    if (!isDigest(digest) || !this.#isItem(item)) return;
    this.#left -= charactersPerDigest + item.length + (digest === this.#last ? 0 : digest.length);
    this.#last = digest;
    // The rest of the items is listed without digests.
    if (this.#left < 0) return;
    const known = this.#found.get(item);
    if (known === undefined) this.#found.set(item, digest);
    else if (known !== digest) this.#contradicted.add(item);
  }

  get known(): ReadonlyMap<string, Digest> {
    for (const item of this.#contradicted) this.#found.delete(item);
    return this.#found;
  }
}
