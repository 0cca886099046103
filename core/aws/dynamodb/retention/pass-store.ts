import { PutCommand } from '@aws-sdk/lib-dynamodb';
import type { Pass, PassStore, RepositoryReport } from '../../../retention/pass.ts';
import { DynamoLock } from '../lock.ts';
import { queryPages, readItem, type Table } from '../table.ts';

const partition = 'retention';
const passPrefix = 'pass#';
/** Passes and their reports are kept for a month, in seconds. */
const keptSeconds = 30 * 24 * 3_600;

/** The passes of retention on DynamoDB. */
export class DynamoPassStore implements PassStore {
  readonly #table: Table;
  readonly #lock: DynamoLock;

  constructor(table: Table) {
    this.#table = table;
    this.#lock = new DynamoLock(table, { pk: partition, sk: 'lock' });
  }

  lock(owner: string, ttlMs: number, now: Date): Promise<boolean> {
    return this.#lock.lock(owner, ttlMs, now);
  }

  unlock(owner: string): Promise<void> {
    return this.#lock.unlock(owner);
  }

  async save(pass: Pass): Promise<void> {
    await this.#put({ pk: partition, sk: `${passPrefix}${pass.id}`, pass, ...expiry(pass.askedAt) });
  }

  async read(id: string): Promise<Pass | undefined> {
    const item = await readItem(this.#table, { pk: partition, sk: `${passPrefix}${id}` });
    return item?.pass as Pass | undefined;
  }

  async open(): Promise<Pass[]> {
    const open: Pass[] = [];
    const pages = queryPages(this.#table, {
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :passes)',
      FilterExpression: 'attribute_not_exists(pass.finishedAt)',
      ExpressionAttributeValues: { ':pk': partition, ':passes': passPrefix },
    });
    for await (const items of pages) open.push(...items.map(({ pass }) => pass as Pass));
    return open;
  }

  async nextAt(): Promise<string | undefined> {
    return (await readItem(this.#table, { pk: partition, sk: 'next' }))?.at as string | undefined;
  }

  async setNextAt(at: string): Promise<void> {
    await this.#put({ pk: partition, sk: 'next', at });
  }

  async report(id: string, report: RepositoryReport): Promise<void> {
    const now = new Date().toISOString();
    await this.#put({ pk: reportsOf(id), sk: report.repository, report, ...expiry(now) });
  }

  async reports(id: string, after: string, limit: number): Promise<RepositoryReport[]> {
    const reports: RepositoryReport[] = [];
    const pages = queryPages(this.#table, {
      KeyConditionExpression: 'pk = :pk AND sk > :after',
      // A sort key can't be compared with an empty string.
      ExpressionAttributeValues: { ':pk': reportsOf(id), ':after': after === '' ? ' ' : after },
      Limit: limit,
    });
    for await (const items of pages) {
      reports.push(...items.map(({ report }) => report as RepositoryReport));
      // A page may be shorter: it has at most a megabyte.
      if (reports.length >= limit) break;
    }
    return reports.slice(0, limit);
  }

  async #put(Item: Record<string, unknown>): Promise<void> {
    await this.#table.client.send(new PutCommand({ TableName: this.#table.name, Item }));
  }
}

function reportsOf(id: string): string {
  return `retention#${id}`;
}

function expiry(time: string): { expiresAt: number } {
  return { expiresAt: Math.floor(Date.parse(time) / 1_000) + keptSeconds };
}
