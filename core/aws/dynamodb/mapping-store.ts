import { randomUUID } from 'node:crypto';
import { GetCommand, PutCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { ReferrersSummary } from '../../copy/referrers/referrers.ts';
import {
  type DigestKey,
  type ImageKey,
  isDigestKey,
  type MappingRecord,
  type RegistryHosts,
  type StoredMapping,
} from '../../mapping/record.ts';
import type { CommittedResolve, Lease, MappingQuery, MappingStore, TagState } from '../../mapping/store.ts';
import { batchGet } from './batch-get.ts';
import { listMappings } from './list-mappings.ts';
import { retireDigest } from './retire-digest.ts';
import { conditional, type ItemUpdate, type Table, writeOnce } from './table.ts';
import { listedSortKey, storedMapping, type TagItem, tagItemKey, tagState } from './tag-item.ts';

/** A recheck recorded longer ago than this counts as lost, in milliseconds. */
const recheckLostMs = 10 * 60_000;

/**
 * The mapping store on DynamoDB: conditional writes of single items, and strongly consistent reads.
 */
export class DynamoMappingStore implements MappingStore {
  readonly #table: Table;
  /** Repositories whose item this process has written: such items are never deleted. */
  readonly #notedRepositories = new Set<string>();

  constructor(table: Table) {
    this.#table = table;
  }

  async raiseEvent(key: ImageKey, job: string): Promise<number> {
    const { Attributes } = await this.#table.client.send(
      new UpdateCommand({
        TableName: this.#table.name,
        Key: tagItemKey(key),
        UpdateExpression: 'SET lastJob = :job ADD events :one',
        ExpressionAttributeValues: { ':job': job, ':one': 1 },
        // Counting events does not require reading the mapping; the webhook function is not allowed
        // to.
        ReturnValues: 'UPDATED_NEW',
      }),
    );
    return (Attributes as TagItem | undefined)?.events ?? 0;
  }

  async raiseRecheck(key: ImageKey, job: string, now: Date, replaced?: string): Promise<number | undefined> {
    const item = await this.#updateOnce(key, 'recheck', {
      update: 'SET recheck = :own, recheckAt = :now ADD events :one',
      condition: `attribute_not_exists(recheck) OR recheckAt < :lost${replaced === undefined ? '' : ' OR recheck = :replaced'}`,
      values: {
        ':own': job,
        ':now': now.getTime(),
        ':one': 1,
        ':lost': now.getTime() - recheckLostMs,
        ...(replaced !== undefined && { ':replaced': replaced }),
      },
    });
    return item?.events;
  }

  async clearRecheck(key: ImageKey, job: string): Promise<void> {
    await this.#update(key, {
      update: 'REMOVE recheck, recheckAt',
      condition: 'recheck = :job',
      values: { ':job': job },
    });
  }

  async read(key: ImageKey): Promise<TagState | undefined> {
    const { Item } = await this.#table.client.send(
      new GetCommand({ TableName: this.#table.name, Key: tagItemKey(key), ConsistentRead: true }),
    );
    return Item && tagState(Item as TagItem);
  }

  async beginResolve(key: ImageKey): Promise<TagState> {
    const item = await this.#update(key, { update: 'ADD resolves :one', values: { ':one': 1 } });
    return tagState(item as TagItem);
  }

  async acquireLease(key: ImageKey, owner: string, ttlMs: number): Promise<Lease | undefined> {
    const now = Date.now();
    const item = await this.#updateOnce(key, 'leaseOwner', {
      update: 'SET leaseOwner = :own, leaseUntil = :until ADD fence :one',
      condition: 'attribute_not_exists(leaseOwner) OR leaseUntil < :now',
      // Two workers on the same job are two owners.
      values: { ':own': `${owner}#${randomUUID()}`, ':until': now + ttlMs, ':now': now, ':one': 1 },
    });
    return item && { fence: item.fence ?? 0, state: tagState(item) };
  }

  async renewLease(key: ImageKey, lease: Lease, ttlMs: number): Promise<boolean> {
    const renewed = await this.#update(key, {
      update: 'SET leaseUntil = :until',
      condition: 'fence = :fence AND attribute_exists(leaseOwner)',
      values: { ':until': Date.now() + ttlMs, ':fence': lease.fence },
    });
    return renewed !== undefined;
  }

  async releaseLease(key: ImageKey, lease: Lease): Promise<void> {
    await this.#update(key, {
      update: 'REMOVE leaseOwner, leaseUntil',
      condition: 'fence = :fence',
      values: { ':fence': lease.fence },
    });
  }

  async publish(
    key: ImageKey,
    lease: Lease,
    mapping: MappingRecord,
    committed: CommittedResolve,
  ): Promise<number | undefined> {
    await Promise.all([this.#noteRepository(key), this.#listDigest(key)]);
    const { revision } = lease.state;
    const item = await this.#updateOnce(key, 'publication', {
      update:
        'SET #mapping = :mapping, committed = :committed, listed = :listed, revision = :next, publication = :own REMOVE leaseOwner, leaseUntil, expiresAt',
      condition: `fence = :fence AND ${revision === 0 ? 'attribute_not_exists(revision)' : 'revision = :revision'}`,
      values: {
        ':own': randomUUID(),
        ':mapping': mapping,
        ':committed': committed,
        ':listed': true,
        ':next': revision + 1,
        ':fence': lease.fence,
        ...(revision === 0 ? {} : { ':revision': revision }),
      },
    });
    return item?.revision;
  }

  async confirm(
    key: ImageKey,
    lease: Lease,
    committed: CommittedResolve,
    observedAt: string,
  ): Promise<boolean> {
    await this.#listDigest(key);
    const item = await this.#update(key, {
      update:
        'SET #mapping.observedAt = :observed, committed = :committed, listed = :listed REMOVE leaseOwner, leaseUntil, expiresAt',
      condition: 'fence = :fence AND revision = :revision',
      values: {
        ':listed': true,
        ':observed': observedAt,
        ':committed': committed,
        ':revision': lease.state.revision,
        ':fence': lease.fence,
      },
    });
    return item !== undefined;
  }

  async putDigest(key: DigestKey, mapping: MappingRecord): Promise<boolean> {
    const { Attributes } = await this.#table.client.send(
      new UpdateCommand({
        TableName: this.#table.name,
        Key: tagItemKey(key),
        UpdateExpression:
          'SET #mapping = :mapping, revision = if_not_exists(revision, :one), claim = :claim REMOVE expiresAt',
        ExpressionAttributeNames: { '#mapping': 'mapping' },
        ExpressionAttributeValues: { ':mapping': mapping, ':one': 1, ':claim': randomUUID() },
        ReturnValues: 'ALL_OLD',
      }),
    );
    return (Attributes as TagItem | undefined)?.mapping !== undefined;
  }

  async noteReferrers(key: DigestKey, referrers: ReferrersSummary): Promise<void> {
    await this.#update(key, {
      update: 'SET #mapping.referrers = :referrers',
      condition: '#mapping.digest = :digest',
      values: { ':referrers': referrers, ':digest': key.reference },
    });
  }

  retireDigest(key: DigestKey, expiresAt: Date): Promise<boolean> {
    return retireDigest(this.#table, key, expiresAt);
  }

  async readMany(keys: ImageKey[]): Promise<StoredMapping[]> {
    const items = await batchGet(this.#table, keys.map(tagItemKey));
    return items.flatMap((item) => storedMapping(item as unknown as TagItem) ?? []);
  }

  list(query: MappingQuery): Promise<{ mappings: StoredMapping[]; cursor?: string }> {
    return listMappings(this.#table, query);
  }

  async registryHosts(): Promise<RegistryHosts> {
    const { Items = [] } = await this.#table.client.send(
      new QueryCommand({
        TableName: this.#table.name,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': 'registries' },
        ConsistentRead: true,
      }),
    );
    return Object.fromEntries(Items.map((item) => [item.sk as string, item.host as string]));
  }

  async putRegistryHost(region: string, host: string): Promise<void> {
    await this.#table.client.send(
      new PutCommand({ TableName: this.#table.name, Item: { pk: 'registries', sk: region, host } }),
    );
  }

  /** Before the first publication of a repository, so that no list misses it. */
  async #noteRepository(key: ImageKey): Promise<void> {
    const sk = `${key.registry}/${key.repository}`;
    if (this.#notedRepositories.has(sk)) return;
    await this.#table.client.send(new PutCommand({ TableName: this.#table.name, Item: { pk: 'repos', sk } }));
    this.#notedRepositories.add(sk);
  }

  /**
   * Before a digest is published in its own right, so that no list misses it. Tags are always
   * listed.
   */
  async #listDigest(key: ImageKey): Promise<void> {
    if (!isDigestKey(key)) return;
    const { pk } = tagItemKey(key);
    const marker = { pk, sk: listedSortKey(key.reference), listed: true };
    await this.#table.client.send(new PutCommand({ TableName: this.#table.name, Item: marker }));
  }

  /** One conditional update; undefined if the condition does not hold. */
  async #update(key: ImageKey, update: ItemUpdate): Promise<TagItem | undefined> {
    const written = await conditional(this.#send(key, update));
    return written?.Attributes as TagItem | undefined;
  }

  /**
   * Like {@link #update}, for a condition that fails if the same update is repeated. The attribute
   * `own` is set to the value `:own`.
   */
  async #updateOnce(
    key: ImageKey,
    own: keyof TagItem,
    update: ItemUpdate & { condition: string },
  ): Promise<TagItem | undefined> {
    const item = await writeOnce(this.#table, tagItemKey(key), this.#send(key, update), {
      attribute: own,
      value: update.values[':own'],
    });
    return item as TagItem | undefined;
  }

  #send(key: ImageKey, { update, condition, values }: ItemUpdate) {
    return this.#table.client.send(
      new UpdateCommand({
        TableName: this.#table.name,
        Key: tagItemKey(key),
        UpdateExpression: update,
        ConditionExpression: condition,
        ExpressionAttributeValues: values,
        ...(update.includes('#mapping') ? { ExpressionAttributeNames: { '#mapping': 'mapping' } } : {}),
        ReturnValues: 'ALL_NEW',
      }),
    );
  }
}
