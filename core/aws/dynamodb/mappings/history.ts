import { PutCommand } from '@aws-sdk/lib-dynamodb';
import {
  formatImageKey,
  type MappingRecord,
  type MappingRemoval,
  type TagKey,
} from '../../../mapping/record.ts';
import type { HistoryEntry } from '../../../mapping/store.ts';
import { queryPages, type Table } from '../table.ts';

/** The partition of a tag's history. */
function historyPartition(key: TagKey): string {
  return `history#${formatImageKey(key)}`;
}

/** Sorts as the revisions do. */
function sortKeyOf(revision: number): string {
  return `${revision}`.padStart(12, '0');
}

/** A mapping that is about to be replaced or removed. */
export interface Replaced {
  revision: number;
  mapping: MappingRecord;
  removed?: MappingRemoval;
}

/**
 * Records what a tag is mapped to before another mapping takes its place. Should the next write
 * fail, the record only says early what a later writer says again.
 *
 * @param keptSeconds how long it is kept from now on
 */
export async function putHistory(
  { client, name: TableName }: Table,
  key: TagKey,
  { revision, ...entry }: Replaced,
  { now, keptSeconds }: { now: Date; keptSeconds: number },
): Promise<void> {
  const item = {
    pk: historyPartition(key),
    sk: sortKeyOf(revision),
    ...entry,
    replacedAt: now.toISOString(),
    expiresAt: Math.floor(now.getTime() / 1_000) + keptSeconds,
  };
  await client.send(new PutCommand({ TableName, Item: item }));
}

/**
 * What a tag was mapped to before a revision, the latest first. Entries that have expired are left
 * out, although DynamoDB may not have deleted them yet.
 */
export async function readHistory(
  table: Table,
  key: TagKey,
  { before, now }: { before: number; now: Date },
): Promise<HistoryEntry[]> {
  const entries: HistoryEntry[] = [];
  const pages = queryPages(table, {
    KeyConditionExpression: 'pk = :pk AND sk < :before',
    FilterExpression: 'expiresAt > :now',
    ExpressionAttributeValues: {
      ':pk': historyPartition(key),
      ':before': sortKeyOf(before),
      ':now': Math.floor(now.getTime() / 1_000),
    },
    ScanIndexForward: false,
  });
  for await (const items of pages) {
    for (const item of items) {
      const { sk, mapping, replacedAt, removed } = item as Omit<HistoryEntry, 'revision'> & { sk: string };
      entries.push({ revision: Number(sk), mapping, replacedAt, ...(removed && { removed }) });
    }
  }
  return entries;
}
