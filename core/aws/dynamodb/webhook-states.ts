import { randomUUID } from 'node:crypto';
import { QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import {
  newWebhookState,
  type RetiredSecret,
  type WebhookArrivals,
  type WebhookState,
  type WebhookStates,
} from '../../webhooks/secrets/state.ts';
import { readItem, type Table, writeOnce } from './table.ts';

/** The states of webhooks on DynamoDB: one item per webhook. */
export class DynamoWebhookStates implements WebhookStates {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async read(name: string): Promise<WebhookState> {
    return webhookState(await readItem(this.#table, itemKey(name)));
  }

  async list(): Promise<Map<string, WebhookState>> {
    // A few hundred bytes each: a configuration would need thousands of webhooks to exceed the
    // megabyte that a page holds.
    const { Items = [] } = await this.#table.client.send(
      new QueryCommand({
        TableName: this.#table.name,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': partition },
        ConsistentRead: true,
      }),
    );
    return new Map(Items.map((item) => [String(item.sk), webhookState(item)]));
  }

  async rotate(
    name: string,
    from: WebhookState,
    retired: RetiredSecret[],
    now: Date,
  ): Promise<WebhookState | undefined> {
    const isFirst = from.generation === 0;
    const rotation = randomUUID();
    const item = await writeOnce(
      this.#table,
      itemKey(name),
      this.#table.client.send(
        new UpdateCommand({
          TableName: this.#table.name,
          Key: itemKey(name),
          UpdateExpression:
            'SET generation = :next, retired = :retired, rotatedAt = :now, rotation = :rotation',
          ConditionExpression: isFirst ? 'attribute_not_exists(generation)' : 'generation = :from',
          ExpressionAttributeValues: {
            ':next': from.generation + 1,
            ':rotation': rotation,
            ':retired': retired,
            ':now': now.toISOString(),
            ...(!isFirst && { ':from': from.generation }),
          },
          ReturnValues: 'ALL_NEW',
        }),
      ),
      { attribute: 'rotation', value: rotation },
    );
    return item && webhookState(item);
  }

  async note(name: string, arrivals: WebhookArrivals): Promise<void> {
    const entries = Object.entries(arrivals);
    await this.#table.client.send(
      new UpdateCommand({
        TableName: this.#table.name,
        Key: itemKey(name),
        UpdateExpression: `SET ${entries.map(([field]) => `${field} = :${field}`).join(', ')}`,
        ExpressionAttributeValues: Object.fromEntries(entries.map(([field, value]) => [`:${field}`, value])),
      }),
    );
  }
}

const partition = 'webhooks';

function itemKey(name: string): { pk: string; sk: string } {
  return { pk: partition, sk: name };
}

function webhookState(item: Record<string, unknown> = {}): WebhookState {
  const { pk: _pk, sk: _sk, rotation: _rotation, ...state } = item;
  return { ...newWebhookState, ...state };
}
