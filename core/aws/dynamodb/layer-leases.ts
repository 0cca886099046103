import { DeleteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { LayerLeases } from '../../jobs/ports.ts';
import type { Digest } from '../../oci/digest.ts';
import { batchGet, type ItemKey } from './batch-get.ts';
import { conditional, type Table } from './table.ts';

/** A lease that was never released is forgotten a day after its end, seconds. */
const retentionSeconds = 24 * 3600;

/** The leases of layers on DynamoDB: an item a layer of a job, with its owner and end. */
export class DynamoLayerLeases implements LayerLeases {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async take(job: string, layer: Digest, owner: string, ttlMs: number, now: Date): Promise<boolean> {
    const until = now.getTime() + ttlMs;
    const taken = await conditional(
      this.#table.client.send(
        new UpdateCommand({
          TableName: this.#table.name,
          Key: keyOf(job, layer),
          UpdateExpression: 'SET leaseOwner = :owner, leaseUntil = :until, expiresAt = :expires',
          ConditionExpression:
            'attribute_not_exists(leaseOwner) OR leaseOwner = :owner OR leaseUntil <= :now',
          ExpressionAttributeValues: {
            ':owner': owner,
            ':until': until,
            ':now': now.getTime(),
            ':expires': Math.ceil(until / 1000) + retentionSeconds,
          },
        }),
      ),
    );
    return taken !== undefined;
  }

  async held(job: string, layers: Digest[], now: Date): Promise<Set<Digest>> {
    const items = await batchGet(
      this.#table,
      layers.map((layer) => keyOf(job, layer)),
    );
    const live = items.filter(({ leaseUntil }) => (leaseUntil as number) > now.getTime());
    return new Set(live.map(({ sk }) => sk as Digest));
  }

  async release(job: string, layer: Digest, owner: string): Promise<void> {
    await conditional(
      this.#table.client.send(
        new DeleteCommand({
          TableName: this.#table.name,
          Key: keyOf(job, layer),
          ConditionExpression: 'leaseOwner = :owner',
          ExpressionAttributeValues: { ':owner': owner },
        }),
      ),
    );
  }
}

function keyOf(job: string, layer: Digest): ItemKey {
  return { pk: `carried#${job}`, sk: layer };
}
