import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { inParallel } from '../../async/in-parallel.ts';
import { type LayerIndex, maxHolders } from '../../copy/blob/layer-index.ts';
import type { CallOptions } from '../../copy/ports.ts';
import type { Digest } from '../../oci/digest.ts';
import { batchGet, type ItemKey } from './batch-get.ts';
import { conditional, type ItemUpdate, type Table } from './table.ts';

/** A blob that no image was committed with for this long is forgotten, in seconds: 180 days. */
const retentionSeconds = 180 * 24 * 3600;
/** Updates at once; an image has some ten blobs, an index of many platforms a hundred. */
const updatesAtOnce = 16;

/**
 * The layer index of one region on DynamoDB: one item per blob, with the set of repositories that
 * hold it.
 */
export class DynamoLayerIndex implements LayerIndex {
  readonly #table: Table;
  readonly #region: string;

  /** @param region of the mirror registry: blobs are mounted within one registry only. */
  constructor(table: Table, region: string) {
    this.#table = table;
    this.#region = region;
  }

  async find(digests: Digest[], options?: CallOptions): Promise<Map<Digest, string[]>> {
    const items = await batchGet(
      this.#table,
      digests.map((digest) => this.#key(digest)),
      options,
    );
    const holders = new Map<Digest, string[]>();
    for (const item of items) {
      // When a set loses its last member, it is gone, but its item stays.
      const { pk, repositories } = item as { pk: string; repositories?: Set<string> };
      if (repositories) holders.set(pk.slice(pk.lastIndexOf('#') + 1) as Digest, [...repositories]);
    }
    return holders;
  }

  /** A blob that already has the maximum number of holders keeps them. */
  async add(repository: string, digests: Digest[]): Promise<void> {
    const expiresAt = Math.floor(Date.now() / 1000) + retentionSeconds;
    await inParallel([...new Set(digests)], updatesAtOnce, async (digest) => {
      await this.#update(digest, {
        update: 'ADD repositories :these SET expiresAt = :expires',
        condition:
          'attribute_not_exists(repositories) OR contains(repositories, :this) OR size(repositories) < :most',
        values: {
          ':these': new Set([repository]),
          ':this': repository,
          ':most': maxHolders,
          ':expires': expiresAt,
        },
      });
    });
  }

  async drop(repository: string, digest: Digest): Promise<void> {
    await this.#update(digest, {
      update: 'DELETE repositories :these',
      condition: 'contains(repositories, :this)',
      values: { ':these': new Set([repository]), ':this': repository },
    });
  }

  #key(digest: Digest): ItemKey {
    return { pk: `layer#${this.#region}#${digest}`, sk: 'holders' };
  }

  async #update(digest: Digest, { update, condition, values }: ItemUpdate): Promise<void> {
    await conditional(
      this.#table.client.send(
        new UpdateCommand({
          TableName: this.#table.name,
          Key: this.#key(digest),
          UpdateExpression: update,
          ConditionExpression: condition,
          ExpressionAttributeValues: values,
        }),
      ),
    );
  }
}
