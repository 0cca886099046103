import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { changesSettleMs, type MappingChanges } from '../../../mapping/store.ts';
import { readItem, type Table } from '../table.ts';

const key = { pk: 'snapshot', sk: 'changes' };

/**
 * The counter of changes covers what is written for {@link changesSettleMs} after it was raised. A
 * process that raised it within a third of that need not raise it again: a write takes seconds.
 */
const coversMs = changesSettleMs / 3;

/** Counts the times that mappings may have changed; see {@link MappingChanges}. */
export class ChangesCounter {
  readonly #table: Table;
  #raisedAt = Number.NEGATIVE_INFINITY;

  constructor(table: Table) {
    this.#table = table;
  }

  /** Before a mapping is published or removed. */
  async raise(): Promise<void> {
    const now = Date.now();
    if (now - this.#raisedAt < coversMs) return;
    await this.#table.client.send(
      new UpdateCommand({
        TableName: this.#table.name,
        Key: key,
        UpdateExpression: 'SET #at = :at ADD #count :one',
        ExpressionAttributeNames: { '#at': 'at', '#count': 'count' },
        ExpressionAttributeValues: { ':at': new Date(now).toISOString(), ':one': 1 },
      }),
    );
    this.#raisedAt = now;
  }

  async read(): Promise<MappingChanges> {
    const { count = 0, at = '' } = ((await readItem(this.#table, key)) ?? {}) as Partial<MappingChanges>;
    return { count, at };
  }
}
