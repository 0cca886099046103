import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { UpstreamGate } from '../../jobs/ports.ts';
import type { ItemKey } from './batch-get.ts';
import { conditional, readItem, type Table } from './table.ts';

/**
 * How long a read value is cached, in milliseconds: a worker asks before each job and would
 * otherwise read it each time.
 */
const defaultCacheMs = 5_000;
/** A gate that opened is forgotten after a day, in seconds. */
const retentionSeconds = 24 * 3600;

/** Closed upstreams on DynamoDB: one item per registry, with the time until which it is closed. */
export class DynamoUpstreamGate implements UpstreamGate {
  readonly #table: Table;
  readonly #cacheMs: number;
  /**
   * What is known about each registry, and when it was read, by the process's own clock. Times in
   * milliseconds.
   */
  readonly #known = new Map<string, { until: number; learntAt: number }>();

  constructor(table: Table, cacheMs = defaultCacheMs) {
    this.#table = table;
    this.#cacheMs = cacheMs;
  }

  async closedUntil(registry: string, now: Date): Promise<Date | undefined> {
    const known = this.#known.get(registry);
    const until =
      known && performance.now() - known.learntAt < this.#cacheMs ? known.until : await this.#read(registry);
    return until > now.getTime() ? new Date(until) : undefined;
  }

  async close(registry: string, until: Date): Promise<void> {
    const ms = until.getTime();
    const closed = await conditional(
      this.#table.client.send(
        new UpdateCommand({
          TableName: this.#table.name,
          Key: keyOf(registry),
          UpdateExpression: 'SET closedUntil = :until, expiresAt = :expires',
          ConditionExpression: 'attribute_not_exists(closedUntil) OR closedUntil < :until',
          ExpressionAttributeValues: { ':until': ms, ':expires': Math.ceil(ms / 1000) + retentionSeconds },
        }),
      ),
    );
    if (closed) this.#learn(registry, ms);
    // It is already closed for longer: the next caller reads until when.
    else this.#known.delete(registry);
  }

  async #read(registry: string): Promise<number> {
    const item = await readItem(this.#table, keyOf(registry));
    const until = (item?.closedUntil as number | undefined) ?? 0;
    this.#learn(registry, until);
    return until;
  }

  #learn(registry: string, until: number): void {
    this.#known.set(registry, { until, learntAt: performance.now() });
  }
}

function keyOf(registry: string): ItemKey {
  return { pk: `upstream#${registry}`, sk: 'gate' };
}
