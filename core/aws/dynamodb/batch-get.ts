import { BatchGetCommand } from '@aws-sdk/lib-dynamodb';
import { inParallel } from '../../async/in-parallel.ts';
import { wait } from '../../async/wait.ts';
import type { CallOptions } from '../../copy/ports.ts';
import type { Table } from './table.ts';

/** BatchGetItem takes at most this many keys. */
const batchSize = 100;
/**
 * Calls at once; each returns at most 16 MB. The 1,000 references that one request may resolve are
 * read in a single round trip.
 */
const batchesAtOnce = 10;

export interface ItemKey {
  pk: string;
  sk: string;
}

/**
 * Reads any number of items with strong consistency. Items that do not exist are left out; the
 * others come in no particular order.
 *
 * @param keys may hold duplicates.
 * @throws the signal's reason as soon as it aborts.
 */
export async function batchGet(
  table: Table,
  keys: readonly ItemKey[],
  options?: CallOptions,
): Promise<Record<string, unknown>[]> {
  // One call must not contain a key twice.
  const distinct = [...new Map(keys.map(({ pk, sk }) => [`${pk} ${sk}`, { pk, sk }])).values()];
  const batches: ItemKey[][] = [];
  for (let at = 0; at < distinct.length; at += batchSize) batches.push(distinct.slice(at, at + batchSize));
  const found = await inParallel(
    batches,
    batchesAtOnce,
    (batch, signal) => readBatch(table, batch, signal),
    options?.signal,
  );
  return found.flat();
}

async function readBatch(
  table: Table,
  keys: ItemKey[],
  signal: AbortSignal,
): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  let wanted: Record<string, unknown>[] = keys.map((key) => ({ ...key }));
  for (let round = 0; wanted.length > 0; round++) {
    // Keys come back unprocessed when the table is throttled: ask for them again, with a longer
    // delay each time.
    if (round > 0) await wait(Math.min(1_000, 50 * 2 ** round), signal);
    const { Responses, UnprocessedKeys } = await table.client.send(
      new BatchGetCommand({ RequestItems: { [table.name]: { Keys: wanted, ConsistentRead: true } } }),
      { abortSignal: signal },
    );
    found.push(...(Responses?.[table.name] ?? []));
    wanted = UnprocessedKeys?.[table.name]?.Keys ?? [];
  }
  return found;
}
