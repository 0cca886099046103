import { DeleteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { ItemKey } from './batch-get.ts';
import { conditional, type Table } from './table.ts';

/** A right that one owner has at a time, until it expires. It only avoids double work. */
export class DynamoLock {
  readonly #table: Table;
  readonly #key: ItemKey;

  constructor(table: Table, key: ItemKey) {
    this.#table = table;
    this.#key = key;
  }

  /** Takes or renews it for `ttlMs`; false while another owner has it. */
  async lock(owner: string, ttlMs: number, now: Date): Promise<boolean> {
    const ms = now.getTime();
    const taken = await conditional(
      this.#table.client.send(
        new UpdateCommand({
          TableName: this.#table.name,
          Key: this.#key,
          UpdateExpression: 'SET #owner = :owner, #until = :until',
          ConditionExpression: 'attribute_not_exists(#owner) OR #owner = :owner OR #until <= :now',
          ExpressionAttributeNames: { '#owner': 'owner', '#until': 'until' },
          ExpressionAttributeValues: { ':owner': owner, ':until': ms + ttlMs, ':now': ms },
        }),
      ),
    );
    return taken !== undefined;
  }

  async unlock(owner: string): Promise<void> {
    await conditional(
      this.#table.client.send(
        new DeleteCommand({
          TableName: this.#table.name,
          Key: this.#key,
          ConditionExpression: '#owner = :owner',
          ExpressionAttributeNames: { '#owner': 'owner' },
          ExpressionAttributeValues: { ':owner': owner },
        }),
      ),
    );
  }
}
