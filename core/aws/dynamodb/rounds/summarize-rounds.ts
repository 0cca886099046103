import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { type FailingRound, never, type RoundsSummary } from '../../../reconcile/round.ts';
import { readItem, type Table } from '../table.ts';
import { failingPrefix, notePrefix, partitionOf, searchKey, searchOf, timeOf } from './keys.ts';

/** Notes that are counted, and failing rounds that are read, at most. */
const mostCounted = 500;
const mostFailing = 20;
/** A failing round that was not tried again for so long is not told, in milliseconds. */
const staleMs = 2 * 24 * 3_600_000;

/** How an upstream's rounds are doing, with three reads. */
export async function summarizeRounds(table: Table, registry: string, now: string): Promise<RoundsSummary> {
  const [item, notes, failing] = await Promise.all([
    readItem(table, searchKey(registry)),
    notesOf(table, registry, { from: notePrefix, until: `${notePrefix}~`, limit: mostCounted }),
    failingOf(table, registry),
  ]);
  const due = notes.filter((note) => timeOf(note) <= now).length;
  const next = notes[0] && timeOf(notes[0]);
  const stale = new Date(Date.parse(now) - staleMs).toISOString();
  return {
    search: item && searchOf(registry, item),
    due,
    ...(next !== undefined && next !== never && { nextDueAt: next }),
    ...(typeof item?.finishedAt === 'string' && { finishedAt: item.finishedAt }),
    failing: failing.filter(({ dueAt }) => dueAt > stale),
    isComplete: due < mostCounted && failing.length < mostFailing,
  };
}

/** The sort keys of an upstream's notes after one, up to a time. */
export async function notesOf(
  table: Table,
  registry: string,
  { from, until, limit }: { from: string; until: string; limit: number },
): Promise<string[]> {
  const { Items = [] } = await table.client.send(
    new QueryCommand({
      TableName: table.name,
      KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :until',
      ExpressionAttributeValues: {
        ':pk': partitionOf(registry),
        ':from': `${from}\u0000`,
        ':until': until,
      },
      ConsistentRead: true,
      Limit: limit,
    }),
  );
  return Items.map(({ sk }) => sk as string);
}

async function failingOf(table: Table, registry: string): Promise<FailingRound[]> {
  const { Items = [] } = await table.client.send(
    new QueryCommand({
      TableName: table.name,
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
      ExpressionAttributeValues: { ':pk': partitionOf(registry), ':prefix': failingPrefix },
      Limit: mostFailing,
    }),
  );
  return Items.map(({ repository, error, failures, dueAt }) => ({
    repository,
    error,
    failures,
    dueAt,
  })) as FailingRound[];
}
