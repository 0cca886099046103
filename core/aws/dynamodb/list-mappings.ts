import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { StoredMapping } from '../../mapping/record.ts';
import { InvalidCursorError, type MappingQuery } from '../../mapping/store.ts';
import { batchGet } from './batch-get.ts';
import type { Table } from './table.ts';
import {
  imageKeyOf,
  listedSortKey,
  repositoryPartition,
  storedMapping,
  type TagItem,
  tagItemKey,
} from './tag-item.ts';

/** Where a list goes on: after this reference of this repository. */
interface Position {
  repository: string;
  /** Empty: from its first reference on. */
  reference: string;
}

/**
 * Lists published mappings, repository after repository, in order of name and then reference.
 *
 * @throws InvalidCursorError for a cursor that no answer gave.
 */
export async function listMappings(
  table: Table,
  query: MappingQuery,
): Promise<{ mappings: StoredMapping[]; cursor?: string }> {
  let position = query.cursor === undefined ? undefined : decodeCursor(query.cursor);
  const mappings: StoredMapping[] = [];
  const from = position;
  const names = repositories(table, query, from?.repository);
  const pageSize = Math.min(maxPageSize, query.limit + 1);
  const open = (repository: string) =>
    references(table, repository, from?.repository === repository ? from.reference : '', pageSize);
  for await (const { repository, found } of readAhead(names, open)) {
    for await (const stored of found) {
      if (mappings.length === query.limit || query.fits?.(stored) === false)
        return { mappings, cursor: position && encodeCursor(position) };
      mappings.push(stored);
      position = { repository, reference: stored.key.reference };
    }
  }
  return { mappings };
}

/**
 * What lists do not show (tags without a publication) is read as well: a page of one would take too
 * many queries.
 */
const minPageSize = 25;
/**
 * Repositories that are asked at the same time: one after the other, a thousand with a tag each
 * would take seconds.
 */
const repositoriesAhead = 16;
/** References that one query reads at most. */
const maxPageSize = 250;

/** Opens some repositories ahead of the one that is read, in their order. */
async function* readAhead(
  repositories: AsyncIterable<string>,
  open: (repository: string) => AsyncGenerator<StoredMapping>,
): AsyncGenerator<{ repository: string; found: AsyncIterable<StoredMapping> }> {
  const ahead: { repository: string; found: AsyncIterable<StoredMapping> }[] = [];
  for await (const repository of repositories) {
    ahead.push({ repository, found: begun(open(repository)) });
    const next = ahead.length > repositoriesAhead ? ahead.shift() : undefined;
    if (next) yield next;
  }
  yield* ahead;
}

/** The same items, the first of which is asked for at once. */
function begun<T>(items: AsyncGenerator<T>): AsyncIterable<T> {
  const first = items.next();
  first.catch(() => {}); // told to who reads it; until then it is nobody's
  return (async function* () {
    const { done, value } = await first;
    if (done) return;
    yield value;
    yield* items;
  })();
}

/** `registry/repository` of everything the query covers, from `from` (inclusive) on. */
async function* repositories(
  table: Table,
  query: MappingQuery,
  from: string | undefined,
): AsyncGenerator<string> {
  if (query.registry !== undefined && query.repository !== undefined) {
    yield `${query.registry}/${query.repository}`;
    return;
  }
  const first = query.registry === undefined ? '' : `${query.registry}/`;
  const start = from !== undefined && from > first ? from : first;
  let next: Record<string, unknown> | undefined;
  do {
    const page = await table.client.send(
      new QueryCommand({
        TableName: table.name,
        // A sort key can't be compared with an empty string.
        KeyConditionExpression: start === '' ? 'pk = :pk' : 'pk = :pk AND sk >= :start',
        ExpressionAttributeValues: { ':pk': 'repos', ...(start === '' ? {} : { ':start': start }) },
        ConsistentRead: true,
        ExclusiveStartKey: next,
      }),
    );
    for (const item of page.Items ?? []) {
      const name = item.sk as string;
      if (query.registry !== undefined && !name.startsWith(`${query.registry}/`)) return;
      if (query.repository !== undefined && name.slice(name.indexOf('/') + 1) !== query.repository) continue;
      yield name;
    }
    next = page.LastEvaluatedKey;
  } while (next);
}

async function* references(
  table: Table,
  repository: string,
  after: string,
  pageSize: number,
): AsyncGenerator<StoredMapping> {
  let next: Record<string, unknown> | undefined;
  do {
    const page = await table.client.send(
      new QueryCommand({
        TableName: table.name,
        KeyConditionExpression: 'pk = :pk AND sk > :after',
        FilterExpression: 'listed = :yes',
        ExpressionAttributeValues: {
          ':pk': repositoryPartition(repository),
          ':after': listedSortKey(after),
          ':yes': true,
        },
        ConsistentRead: true,
        Limit: Math.max(pageSize, minPageSize),
        ExclusiveStartKey: next,
      }),
    );
    yield* await withDigests(table, (page.Items ?? []) as TagItem[]);
    next = page.LastEvaluatedKey;
  } while (next);
}

/**
 * The mappings of listed items, in their order: markers stand for digests, which are read besides.
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
 * Below what a sort key holds (1,024 bytes), and above any name: a repository has 255 characters at
 * most.
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
