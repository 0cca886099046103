import { randomUUID } from 'node:crypto';
import type { DigestKey } from '../../../mapping/record.ts';
import { isDigest } from '../../../oci/digest.ts';
import type { KnownDigest, KnownTag, Place, Retirement, RetiringStore } from '../../../retention/ports.ts';
import { conditional, queryPages, type Table, updateItem, writeOnce } from '../table.ts';
import { ChangesCounter } from './changes-counter.ts';
import { sameClaim } from './digest-children.ts';
import {
  imageKeyOf,
  leaseOfToken,
  listedSortKey,
  notRetiring,
  publishingToken,
  repositoryPartition,
  retiredClaim,
  type TagItem,
  tagItemKey,
} from './tag-item.ts';

/** The item of a deleted image is kept for so long that no job remembers an earlier state of it. */
const forgottenAfterMs = 2 * 24 * 3_600_000;

/** The marks of retention, in the items of digests. */
export class DynamoRetiringStore implements RetiringStore {
  readonly #table: Table;
  readonly #changes: ChangesCounter;

  constructor(table: Table) {
    this.#table = table;
    this.#changes = new ChangesCounter(table);
  }

  async *digests({ registry, repository }: Place): AsyncGenerator<KnownDigest> {
    const pages = queryPages(this.#table, {
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :digests)',
      ExpressionAttributeValues: {
        ':pk': repositoryPartition(`${registry}/${repository}`),
        ':digests': 'digest#',
      },
    });
    for await (const items of pages) {
      for (const item of items as unknown as TagItem[]) {
        const { reference: digest } = imageKeyOf(item);
        if (!isDigest(digest)) continue;
        const { claim, mapping, listed = false, parents, expiresAt, publishing } = item;
        yield {
          digest,
          claim,
          mapped: mapping?.digest,
          isListed: listed,
          isChild: parents !== undefined,
          expiresAt: expiresAt === undefined ? undefined : expiresAt * 1_000,
          writers: [...(publishing ?? [])].map(leaseOfToken),
        };
      }
    }
  }

  async *tags({ registry, repository }: Place): AsyncGenerator<KnownTag> {
    const pages = queryPages(this.#table, {
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :tags)',
      ExpressionAttributeValues: {
        ':pk': repositoryPartition(`${registry}/${repository}`),
        ':tags': listedSortKey(''),
      },
    });
    for await (const items of pages) {
      for (const item of items as unknown as TagItem[]) {
        const { reference: tag } = imageKeyOf(item);
        if (isDigest(tag)) continue;
        const { fence = 0, mapping, removed, revision = 0 } = item;
        const held = mapping ?? (removed?.mapping.pin ? removed.mapping : undefined);
        yield { tag, fence, digest: held?.digest, wasPublished: revision > 0 };
      }
    }
  }

  async forgetWriters(key: DigestKey, writers: KnownDigest['writers']): Promise<void> {
    if (writers.length === 0) return;
    await updateItem(this.#table, tagItemKey(key), {
      update: 'DELETE publishing :writers',
      values: { ':writers': new Set(writers.map(publishingToken)) },
    });
  }

  async begin(key: DigestKey, { owner, claim, until }: Retirement): Promise<boolean> {
    // What it is mapped to goes with it.
    await this.#changes.raise();
    const own = `${owner} ${randomUUID()}`;
    const item = await writeOnce(
      this.#table,
      tagItemKey(key),
      updateItem(this.#table, tagItemKey(key), {
        update:
          'SET retiring = :own, retiringUntil = :until, claim = :retired, expiresAt = :expiresAt REMOVE #mapping, children, parents ADD retirements :one',
        condition: `${sameClaim(claim)} AND attribute_not_exists(listed) AND attribute_not_exists(publishing) AND ${notRetiring}`,
        names: { '#mapping': 'mapping' },
        values: {
          ':own': own,
          ':retired': `${retiredClaim}${own}`,
          ':until': until,
          ':one': 1,
          ':now': Date.now(),
          ':expiresAt': Math.floor((until + forgottenAfterMs) / 1_000),
          ...(claim !== undefined && { ':claim': claim }),
        },
      }),
      { attribute: 'retiring', value: own },
    );
    return item !== undefined;
  }

  async end(key: DigestKey, owner: string): Promise<void> {
    await conditional(
      updateItem(this.#table, tagItemKey(key), {
        update: 'REMOVE retiring, retiringUntil',
        condition: 'begins_with(retiring, :owner)',
        values: { ':owner': `${owner} ` },
      }),
    );
  }
}
