import { setTimeout as sleep } from 'node:timers/promises';
import { BatchGetCommand } from '@aws-sdk/lib-dynamodb';
import type { CallOptions } from '../../copy/ports.ts';
import type { Table } from './table.ts';

/** BatchGetItem takes at most this many keys. */
const batchSize = 100;
/** Calls at once; each returns at most 16 MB. */
const batchesAtOnce = 8;

export interface ItemKey {
  pk: string;
  sk: string;
}

/**
 * Reads any number of items with strong consistency. Items that do not exist are left out; the
 * others come in no particular order.
 *
 * @param keys may hold duplicates.
 */
export async function batchGet(
  table: Table,
  keys: readonly ItemKey[],
  options?: CallOptions,
): Promise<Record<string, unknown>[]> {
  // One call must not contain a key twice.
  const distinct = [...new Map(keys.map(({ pk, sk }) => [`${pk} ${sk}`, { pk, sk }])).values()];
  const found: Record<string, unknown>[] = [];
  const wave = batchSize * batchesAtOnce;
  for (let start = 0; start < distinct.length; start += wave) {
    const batches: ItemKey[][] = [];
    for (let at = start; at < Math.min(start + wave, distinct.length); at += batchSize)
      batches.push(distinct.slice(at, at + batchSize));
    found.push(...(await Promise.all(batches.map((batch) => readBatch(table, batch, options)))).flat());
  }
  return found;
}

async function readBatch(
  table: Table,
  keys: ItemKey[],
  options?: CallOptions,
): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  let wanted: Record<string, unknown>[] = keys.map((key) => ({ ...key }));
  for (let round = 0; wanted.length > 0; round++) {
    // Keys come back unprocessed when the table is throttled: ask for them again, with a longer
    // delay each time.
    if (round > 0) await sleep(Math.min(1_000, 50 * 2 ** round), undefined, { signal: options?.signal });
    const { Responses, UnprocessedKeys } = await table.client.send(
      new BatchGetCommand({ RequestItems: { [table.name]: { Keys: wanted, ConsistentRead: true } } }),
      { abortSignal: options?.signal },
    );
    found.push(...(Responses?.[table.name] ?? []));
    wanted = UnprocessedKeys?.[table.name]?.Keys ?? [];
  }
  return found;
}
