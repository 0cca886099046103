import { DeleteCommand, PutCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { AskedDryRun, DryRunStore } from '../../../reconcile/dry-run/ports.ts';
import type { DryRun, Scope } from '../../../reconcile/dry-run/report.ts';
import type { ItemKey } from '../batch-get.ts';
import { conditional, readItem, type Table } from '../table.ts';

const askedPartition = 'reconcile';
const askedPrefix = 'asked#';
/** How long a request and a report are kept, in seconds. */
const keptSeconds = 24 * 3_600;
/** A worker that has not ended a dry run within this time is gone, milliseconds. */
const takenMs = 15 * 60_000;
/** What was taken so often without an end is given up. */
const mostTakes = 3;
/** Requests that are looked at for one that is free. */
const pageSize = 25;

/** Dry runs on DynamoDB: one item for each request, and one for each report. */
export class DynamoDryRunStore implements DryRunStore {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async ask({ askedAt, ...scope }: AskedDryRun): Promise<void> {
    // The report first: whoever sees the request must not take an old report for its answer.
    const { name: TableName, client } = this.#table;
    await client.send(new PutCommand({ TableName, Item: { ...reportKey(scope), ...expiry(askedAt) } }));
    await client.send(
      new PutCommand({ TableName, Item: { ...askedKey(scope), ...scope, askedAt, ...expiry(askedAt) } }),
    );
  }

  async take(now: Date): Promise<AskedDryRun | undefined> {
    const { Items = [] } = await this.#table.client.send(
      new QueryCommand({
        TableName: this.#table.name,
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
        ExpressionAttributeValues: { ':pk': askedPartition, ':prefix': askedPrefix },
        ConsistentRead: true,
        Limit: pageSize,
      }),
    );
    for (const item of Items as (AskedDryRun & { takenUntil?: number; takes?: number })[]) {
      const { registry, repository, askedAt, takenUntil = 0, takes = 0 } = item;
      if (takenUntil > now.getTime()) continue;
      const asked = { registry, ...(repository !== undefined && { repository }), askedAt };
      if (takes >= mostTakes) await this.done(asked);
      else if (await this.#taken(asked, now)) return asked;
    }
    return undefined;
  }

  async #taken({ askedAt, ...scope }: AskedDryRun, now: Date): Promise<boolean> {
    const taken = await conditional(
      this.#table.client.send(
        new UpdateCommand({
          TableName: this.#table.name,
          Key: askedKey(scope),
          UpdateExpression: 'SET takenUntil = :until ADD takes :one',
          ConditionExpression:
            'askedAt = :askedAt AND (attribute_not_exists(takenUntil) OR takenUntil <= :now)',
          ExpressionAttributeValues: {
            ':until': now.getTime() + takenMs,
            ':one': 1,
            ':askedAt': askedAt,
            ':now': now.getTime(),
          },
        }),
      ),
    );
    return taken !== undefined;
  }

  async save(report: DryRun): Promise<void> {
    const Item = { ...reportKey(report), report, ...expiry(report.begunAt) };
    await this.#table.client.send(new PutCommand({ TableName: this.#table.name, Item }));
  }

  async done({ askedAt, ...scope }: AskedDryRun): Promise<void> {
    await conditional(
      this.#table.client.send(
        new DeleteCommand({
          TableName: this.#table.name,
          Key: askedKey(scope),
          ConditionExpression: 'askedAt = :askedAt',
          ExpressionAttributeValues: { ':askedAt': askedAt },
        }),
      ),
    );
  }

  async read(scope: Scope): Promise<DryRun | undefined> {
    const item = await readItem(this.#table, reportKey(scope));
    return item?.report as DryRun | undefined;
  }

  async isAsked(scope: Scope): Promise<boolean> {
    return (await readItem(this.#table, askedKey(scope))) !== undefined;
  }
}

function askedKey({ registry, repository = '' }: Scope): ItemKey {
  return { pk: askedPartition, sk: `${askedPrefix}${registry}/${repository}` };
}

function reportKey({ registry, repository = '' }: Scope): ItemKey {
  return { pk: `reconcile#${registry}`, sk: `dry-run#${repository}` };
}

function expiry(time: string): { expiresAt: number } {
  return { expiresAt: Math.floor(Date.parse(time) / 1000) + keptSeconds };
}
