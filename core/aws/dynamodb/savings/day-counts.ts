import { randomUUID } from 'node:crypto';
import type { DayCount, DayCounts } from '../../../jobs/savings/counts.ts';
import { conditional, queryPages, type Table, updateItem } from '../table.ts';

const partition = 'savings';
/** The longest range that the API returns, and a month. */
const retentionDays = 400;
const daySeconds = 24 * 3600;
/** The attributes that count lags: this, and the bucket's number. */
const lagPrefix = 'lag';

/** The counters on DynamoDB: an item for each day and upstream, of less than a kilobyte. */
export class DynamoDayCounts implements DayCounts {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async add({ day, registry, images, copied, mounted, present, lags }: DayCount): Promise<void> {
    const more = {
      images,
      copiedBlobs: copied.blobs,
      copiedBytes: copied.bytes,
      mountedBlobs: mounted.blobs,
      mountedBytes: mounted.bytes,
      presentBlobs: present.blobs,
      presentBytes: present.bytes,
      ...Object.fromEntries([...lags].map(([bucket, jobs]) => [`${lagPrefix}${bucket}`, jobs])),
    };
    const terms = Object.entries(more).filter(([, amount]) => amount !== 0);
    if (terms.length === 0) return;
    const write = updateItem(
      this.#table,
      { pk: partition, sk: `${day}#${registry}` },
      {
        update: `SET expiresAt = :expires, counted = :own ADD ${terms.map(([name]) => `${name} :${name}`).join(', ')}`,
        // The SDK retries a write whose answer was lost; that must not count twice.
        condition: 'attribute_not_exists(counted) OR counted <> :own',
        values: {
          ':expires': Date.parse(`${day}T00:00:00Z`) / 1_000 + retentionDays * daySeconds,
          ':own': randomUUID(),
          ...Object.fromEntries(terms.map(([name, amount]) => [`:${name}`, amount])),
        },
      },
    );
    await conditional(write);
  }

  async read(from: string, to: string): Promise<DayCount[]> {
    const counts: DayCount[] = [];
    const pages = queryPages(this.#table, {
      KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
      // `~` comes after `#`, so all upstreams of the last day are included.
      ExpressionAttributeValues: { ':pk': partition, ':from': from, ':to': `${to}~` },
    });
    for await (const items of pages) counts.push(...items.map(dayCount));
    return counts;
  }
}

function dayCount(item: Record<string, unknown>): DayCount {
  const [day = '', registry = ''] = String(item.sk).split('#');
  const count = (name: string) => Number(item[name] ?? 0);
  const amount = (name: string) => ({ blobs: count(`${name}Blobs`), bytes: count(`${name}Bytes`) });
  const lags = Object.keys(item).filter((name) => /^lag\d+$/.test(name));
  return {
    day,
    registry,
    images: count('images'),
    copied: amount('copied'),
    mounted: amount('mounted'),
    present: amount('present'),
    lags: new Map(lags.map((name) => [Number(name.slice(lagPrefix.length)), count(name)])),
  };
}
