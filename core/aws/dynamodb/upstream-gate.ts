import type { Outage, UpstreamGate } from '../../jobs/ports.ts';
import type { ItemKey } from './batch-get.ts';
import { conditional, type ItemUpdate, readItem, type Table, updateItem } from './table.ts';

/**
 * How long a read value is cached, in milliseconds: a worker asks before each job and would
 * otherwise read it each time.
 */
const defaultCacheMs = 5_000;
/** What is known of a registry is forgotten this long after the last change, in seconds. */
const retentionSeconds = 7 * 24 * 3600;

/** What the item of an upstream says. Times in milliseconds since 1970. */
interface GateItem {
  /** The end of a rate limit. */
  closedUntil?: number;
  /** The end of a pause in an outage. */
  downUntil?: number;
  downSince?: number;
  failures?: number;
  downReason?: string;
}

/**
 * Closed upstreams on DynamoDB: one item per registry, with the time until which its rate limit
 * closes it, and with its outage.
 */
export class DynamoUpstreamGate implements UpstreamGate {
  readonly #table: Table;
  readonly #cacheMs: number;
  /** What is known about each registry, and when it was read, by the process's own clock. */
  readonly #known = new Map<string, { item: GateItem; learntAt: number }>();

  constructor(table: Table, cacheMs = defaultCacheMs) {
    this.#table = table;
    this.#cacheMs = cacheMs;
  }

  async closedUntil(registry: string, now: Date): Promise<Date | undefined> {
    const { closedUntil = 0, downUntil = 0 } = await this.#item(registry);
    const until = Math.max(closedUntil, downUntil);
    return until > now.getTime() ? new Date(until) : undefined;
  }

  async close(registry: string, until: Date): Promise<void> {
    await this.#extend(registry, 'closedUntil', until);
  }

  async closeDown(registry: string, until: Date): Promise<void> {
    await this.#extend(registry, 'downUntil', until);
  }

  async outage(registry: string): Promise<Outage | undefined> {
    return outageIn(await this.#item(registry));
  }

  async failed(registry: string, { at, reason }: { at: Date; reason: string }): Promise<Outage> {
    const now = at.getTime();
    const item = (await this.#update(registry, {
      update:
        'SET downSince = if_not_exists(downSince, :now), downReason = :reason, expiresAt = :expires ADD failures :one',
      values: {
        ':now': now,
        ':reason': reason,
        ':one': 1,
        ':expires': Math.ceil(now / 1000) + retentionSeconds,
      },
    })) as GateItem;
    this.#learn(registry, item);
    return outageIn(item) ?? { since: at, failures: 1, reason };
  }

  async answered(registry: string): Promise<void> {
    // Every job reads the gate before it asks the registry, so an outage before that is known.
    if (this.#known.get(registry)?.item.downSince === undefined) return;
    const item = await this.#update(registry, {
      update: 'REMOVE downSince, downUntil, downReason, failures',
      condition: 'attribute_exists(downSince)',
      values: {},
    });
    if (item) this.#learn(registry, item);
    else this.#known.delete(registry);
  }

  async probe(registry: string, until: Date, now: Date): Promise<boolean> {
    const item = await this.#update(registry, {
      update: 'SET downUntil = :until',
      condition: 'attribute_exists(downSince) AND (attribute_not_exists(downUntil) OR downUntil <= :now)',
      values: { ':until': until.getTime(), ':now': now.getTime() },
    });
    if (item) this.#learn(registry, item);
    else this.#known.delete(registry);
    return item !== undefined;
  }

  async #extend(registry: string, name: 'closedUntil' | 'downUntil', until: Date): Promise<void> {
    const ms = until.getTime();
    const item = await this.#update(registry, {
      update: 'SET #name = :until, expiresAt = :expires',
      condition: 'attribute_not_exists(#name) OR #name < :until',
      names: { '#name': name },
      values: { ':until': ms, ':expires': Math.ceil(ms / 1000) + retentionSeconds },
    });
    if (item) this.#learn(registry, item);
    // It is already closed for longer: the next caller reads until when.
    else this.#known.delete(registry);
  }

  /** @returns the item; undefined if the condition does not hold */
  async #update(registry: string, update: ItemUpdate) {
    const written = await conditional(updateItem(this.#table, keyOf(registry), update));
    return written && ((written.Attributes ?? {}) as GateItem);
  }

  async #item(registry: string): Promise<GateItem> {
    const known = this.#known.get(registry);
    if (known && performance.now() - known.learntAt < this.#cacheMs) return known.item;
    const item = ((await readItem(this.#table, keyOf(registry))) ?? {}) as GateItem;
    this.#learn(registry, item);
    return item;
  }

  #learn(registry: string, item: GateItem): void {
    this.#known.set(registry, { item, learntAt: performance.now() });
  }
}

function outageIn({ downSince, failures = 0, downReason = '' }: GateItem): Outage | undefined {
  return downSince === undefined ? undefined : { since: new Date(downSince), failures, reason: downReason };
}

function keyOf(registry: string): ItemKey {
  return { pk: `upstream#${registry}`, sk: 'gate' };
}
