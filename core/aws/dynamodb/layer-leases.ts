import { randomUUID } from 'node:crypto';
import { DeleteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { LayerClaim, LayerLeases, LayerPlace } from '../../jobs/ports.ts';
import type { Digest } from '../../oci/digest.ts';
import { batchGet, type ItemKey } from './batch-get.ts';
import { conditional, type Table, writeOnce } from './table.ts';

/** A lease that was never released is forgotten a day after it ends, in seconds. */
const retentionSeconds = 24 * 3600;
/** The owner of a layer that waits in the queue. Workers have other names. */
const queued = 'queue';

interface WantedLease {
  owner: string;
  ttlMs: number;
  now: Date;
  /** Which current owners may be replaced, as a condition, and the values that it uses. */
  others?: { free: string; values: Record<string, string> };
}

/**
 * The leases of layers on DynamoDB: one item per layer of a mirror repository, with its owner and
 * end.
 */
export class DynamoLayerLeases implements LayerLeases {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async take({ owner, ...place }: LayerClaim, ttlMs: number, now: Date): Promise<boolean> {
    return await this.#write(keyOf(place), {
      owner,
      ttlMs,
      now,
      others: {
        free: 'leaseOwner = :owner OR leaseOwner = :queued',
        values: { ':queued': queued },
      },
    });
  }

  async queue(place: LayerPlace, ttlMs: number, now: Date): Promise<boolean> {
    return await this.#write(keyOf(place), { owner: queued, ttlMs, now });
  }

  async held(repository: string, layers: Digest[], now: Date): Promise<Set<Digest>> {
    const items = await batchGet(
      this.#table,
      layers.map((layer) => keyOf({ repository, layer })),
    );
    const live = items.filter(({ leaseUntil }) => (leaseUntil as number) > now.getTime());
    return new Set(live.map(({ sk }) => sk as Digest));
  }

  async release({ owner, ...place }: LayerClaim): Promise<void> {
    await conditional(
      this.#table.client.send(
        new DeleteCommand({
          TableName: this.#table.name,
          Key: keyOf(place),
          ConditionExpression: 'leaseOwner = :owner',
          ExpressionAttributeValues: { ':owner': owner },
        }),
      ),
    );
  }

  async unqueue(place: LayerPlace): Promise<void> {
    await this.release({ ...place, owner: queued });
  }

  async free(place: LayerPlace): Promise<void> {
    const Key = keyOf(place);
    await this.#table.client.send(new DeleteCommand({ TableName: this.#table.name, Key }));
  }

  async #write(key: ItemKey, { owner, ttlMs, now, others }: WantedLease): Promise<boolean> {
    const until = now.getTime() + ttlMs;
    const free = 'attribute_not_exists(leaseOwner) OR leaseUntil <= :now';
    const own = randomUUID();
    const written = await writeOnce(
      this.#table,
      key,
      this.#table.client.send(
        new UpdateCommand({
          TableName: this.#table.name,
          Key: key,
          UpdateExpression:
            'SET leaseOwner = :owner, leaseUntil = :until, expiresAt = :expires, written = :own',
          ConditionExpression: others ? `${free} OR ${others.free}` : free,
          ExpressionAttributeValues: {
            ':owner': owner,
            ':own': own,
            ':until': until,
            ':now': now.getTime(),
            ':expires': Math.ceil(until / 1000) + retentionSeconds,
            ...others?.values,
          },
        }),
      ),
      { attribute: 'written', value: own },
    );
    return written !== undefined;
  }
}

function keyOf({ repository, layer }: LayerPlace): ItemKey {
  return { pk: `carried#${repository}`, sk: layer };
}
