import type { StoredMapping } from '../../../mapping/record.ts';
import { InvalidCursorError, type MappingQuery } from '../../../mapping/store.ts';
import { batchGet } from '../batch-get.ts';
import { queryPages, type Table } from '../table.ts';
import {
  imageKeyOf,
  listedSortKey,
  repositoryPartition,
  storedMapping,
  type TagItem,
  tagItemKey,
} from './tag-item.ts';

/** Where a list continues: after this reference of this repository. */
interface Position {
  repository: string;
  /** Empty: start at its first reference. */
  reference: string;
}

/**
 * Lists published mappings, ordered by repository name and then by reference.
 *
 * @throws InvalidCursorError for a cursor that did not come from an earlier answer.
 */
export async function listMappings(
  table: Table,
  query: MappingQuery,
): Promise<{ mappings: StoredMapping[]; cursor?: string }> {
  const from = query.cursor === undefined ? undefined : decodeCursor(query.cursor);
  let position = from;
  const mappings: StoredMapping[] = [];
  for await (const stored of mappingsFrom(table, query, from, query.limit + 1)) {
    if (mappings.length === query.limit || query.fits?.(stored) === false)
      return { mappings, cursor: position && encodeCursor(position) };
    mappings.push(stored);
    const { registry, repository, reference } = stored.key;
    position = { repository: `${registry}/${repository}`, reference };
  }
  return { mappings };
}

/** All published mappings, in the order of lists. They are read as they are taken. */
export function allMappings(table: Table): AsyncGenerator<StoredMapping> {
  return mappingsFrom(table, {}, undefined, maxPageSize);
}

async function* mappingsFrom(
  table: Table,
  query: Pick<MappingQuery, 'registry' | 'repository'>,
  from: Position | undefined,
  wanted: number,
): AsyncGenerator<StoredMapping> {
  const pageSize = Math.min(maxPageSize, wanted);
  const names = repositories(table, query, from?.repository);
  const open = (repository: string) =>
    references(table, repository, from?.repository === repository ? from.reference : '', pageSize);
  for await (const found of readAhead(names, open)) yield* found;
}

/**
 * Items that lists do not show (tags without a publication) are read as well: a page of one would
 * take too many queries.
 */
const minPageSize = 25;
/**
 * How many repositories are queried at the same time. One after the other, a thousand with one tag
 * each would take seconds.
 */
const repositoriesAhead = 16;
/** The most references that one query reads. */
const maxPageSize = 250;

/** Opens some repositories ahead of the one that is read, in their order. */
async function* readAhead(
  repositories: AsyncIterable<string>,
  open: (repository: string) => AsyncGenerator<StoredMapping>,
): AsyncGenerator<AsyncIterable<StoredMapping>> {
  const ahead: AsyncIterable<StoredMapping>[] = [];
  for await (const repository of repositories) {
    ahead.push(begun(open(repository)));
    const next = ahead.length > repositoriesAhead ? ahead.shift() : undefined;
    if (next) yield next;
  }
  yield* ahead;
}

/** The same items, with the first one requested at once. */
function begun<T>(items: AsyncGenerator<T>): AsyncIterable<T> {
  const first = items.next();
  first.catch(() => {}); // the reader of the first item receives the rejection
  return (async function* () {
    const { done, value } = await first;
    if (done) return;
    yield value;
    yield* items;
  })();
}

/** `registry/repository` of everything that the query covers, starting at `from` (inclusive). */
async function* repositories(
  table: Table,
  query: Pick<MappingQuery, 'registry' | 'repository'>,
  from: string | undefined,
): AsyncGenerator<string> {
  if (query.registry !== undefined && query.repository !== undefined) {
    yield `${query.registry}/${query.repository}`;
    return;
  }
  const first = query.registry === undefined ? '' : `${query.registry}/`;
  const start = from !== undefined && from > first ? from : first;
  const pages = queryPages(table, {
    // A sort key can't be compared with an empty string.
    KeyConditionExpression: start === '' ? 'pk = :pk' : 'pk = :pk AND sk >= :start',
    ExpressionAttributeValues: { ':pk': 'repos', ...(start === '' ? {} : { ':start': start }) },
  });
  for await (const items of pages) {
    for (const item of items) {
      const name = item.sk as string;
      if (query.registry !== undefined && !name.startsWith(`${query.registry}/`)) return;
      if (query.repository !== undefined && name.slice(name.indexOf('/') + 1) !== query.repository) continue;
      yield name;
    }
  }
}

async function* references(
  table: Table,
  repository: string,
  after: string,
  pageSize: number,
): AsyncGenerator<StoredMapping> {
  const pages = queryPages(table, {
    KeyConditionExpression: 'pk = :pk AND sk > :after',
    FilterExpression: 'listed = :yes',
    // Reading costs the same with and without the counters and leases; parsing them does not.
    ProjectionExpression: 'pk, sk, #mapping, revision',
    ExpressionAttributeNames: { '#mapping': 'mapping' },
    ExpressionAttributeValues: {
      ':pk': repositoryPartition(repository),
      ':after': listedSortKey(after),
      ':yes': true,
    },
    Limit: Math.max(pageSize, minPageSize),
  });
  for await (const items of pages) yield* await withDigests(table, items as unknown as TagItem[]);
}

/**
 * The mappings of listed items, in their order. Markers stand for digests, whose items are read in
 * addition.
 */
async function withDigests(table: Table, items: TagItem[]): Promise<StoredMapping[]> {
  const markers = items
    .filter(({ mapping }) => mapping === undefined)
    .map((item) => tagItemKey(imageKeyOf(item)));
  const digests = markers.length === 0 ? [] : await batchGet(table, markers);
  const found = new Map(digests.map((item) => [item.sk, item as unknown as TagItem]));
  return items.flatMap((item) => {
    const held = item.mapping ? item : found.get(tagItemKey(imageKeyOf(item)).sk);
    return (held && storedMapping(held)) ?? [];
  });
}

/**
 * Below the size limit of a sort key (1,024 bytes), and longer than any name: a repository name has
 * at most 255 characters.
 */
const maxPartBytes = 1_000;

function encodeCursor(position: Position): string {
  return Buffer.from(JSON.stringify([position.repository, position.reference])).toString('base64url');
}

function decodeCursor(cursor: string): Position {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    throw new InvalidCursorError();
  }
  if (
    !Array.isArray(value) ||
    value.length !== 2 ||
    !value.every((part) => typeof part === 'string' && part !== '' && Buffer.byteLength(part) <= maxPartBytes)
  ) {
    throw new InvalidCursorError();
  }
  const [repository, reference] = value as [string, string];
  return { repository, reference };
}
