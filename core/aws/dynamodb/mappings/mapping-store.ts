import { randomUUID } from 'node:crypto';
import { PutCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { ReferrersSummary } from '../../../copy/referrers/referrers.ts';
import {
  type DigestKey,
  type ImageKey,
  isDigestKey,
  type MappingRecord,
  type MappingRemoval,
  type RegistryHosts,
  type StoredMapping,
  type TagKey,
} from '../../../mapping/record.ts';
import {
  type CommittedResolve,
  type DigestWriter,
  type FormerDigest,
  type HistoryEntry,
  type Lease,
  type MappedTag,
  type MappingChanges,
  type MappingQuery,
  type MappingStore,
  type TagState,
  unknownWriter,
} from '../../../mapping/store.ts';
import { batchGet } from '../batch-get.ts';
import {
  conditional,
  type ItemUpdate,
  queryPages,
  readItem,
  type Table,
  updateItem,
  writeOnce,
} from '../table.ts';
import { ChangesCounter } from './changes-counter.ts';
import { putChildren, sameClaim } from './digest-children.ts';
import { putHistory, type Replaced, readHistory } from './history.ts';
import { allMappings, listMappings } from './list-mappings.ts';
import { mappedTags } from './mapped-tags.ts';
import { RepositoryMarks, repositoriesOf } from './repository-marks.ts';
import { retireDigest } from './retire-digest.ts';
import {
  hasRoom,
  listedSortKey,
  mostInSet,
  publishingToken,
  repositoryPartition,
  staysSince,
  storedMapping,
  type TagItem,
  tagItemKey,
  tagState,
} from './tag-item.ts';

/** A recheck recorded longer ago than this counts as lost, in milliseconds. */
const recheckLostMs = 10 * 60_000;
/** A month. */
const defaultHistorySeconds = 30 * 24 * 3_600;

/** The condition that nobody has published since a revision was read; 0: nobody ever has. */
function sameRevision(revision: number): string {
  return revision === 0 ? 'attribute_not_exists(revision)' : 'revision = :revision';
}

/**
 * The mapping store on DynamoDB: conditional writes of single items, and strongly consistent reads.
 */
export class DynamoMappingStore implements MappingStore {
  readonly #table: Table;
  readonly #historySeconds: number;
  readonly #repositories: RepositoryMarks;
  readonly #changes: ChangesCounter;

  /** @param options.historySeconds how long the history of a tag is kept: `mirror.history` */
  constructor(table: Table, { historySeconds = defaultHistorySeconds } = {}) {
    this.#table = table;
    this.#historySeconds = historySeconds;
    this.#repositories = new RepositoryMarks(table);
    this.#changes = new ChangesCounter(table);
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
    const item = await readItem(this.#table, tagItemKey(key));
    return item && tagState(item as unknown as TagItem);
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
    committed: CommittedResolve | undefined,
  ): Promise<number | undefined> {
    await Promise.all([
      this.#repositories.note(key, mapping.mirrorRepository),
      this.#listDigest(key),
      this.#changes.raise(),
      this.#keep(key, lease.state),
    ]);
    const { revision, retirements } = lease.state;
    const stays = staysSince(retirements);
    const item = await this.#updateOnce(key, 'publication', {
      update: `SET #mapping = :mapping, listed = :listed, revision = :next, publication = :own, claim = :own${committed ? ', committed = :committed' : ''} REMOVE leaseOwner, leaseUntil, expiresAt, removed`,
      condition: `fence = :fence AND ${sameRevision(revision)} AND ${stays.condition}`,
      values: {
        ...stays.values,
        ':own': randomUUID(),
        ':mapping': mapping,
        ...(committed && { ':committed': committed }),
        ':listed': true,
        ':next': revision + 1,
        ':fence': lease.fence,
        ...(revision === 0 ? {} : { ':revision': revision }),
      },
    });
    return item?.revision;
  }

  async unmap(key: ImageKey, lease: Lease, removal: MappingRemoval): Promise<number | undefined> {
    const { mapping, revision } = lease.state;
    if (mapping === undefined) return undefined;
    await Promise.all([this.#changes.raise(), this.#keep(key, lease.state, removal)]);
    const item = await this.#updateOnce(key, 'publication', {
      update:
        'SET removed = :removed, revision = :next, publication = :own, claim = :own REMOVE #mapping, listed, leaseOwner, leaseUntil',
      condition: 'fence = :fence AND revision = :revision',
      values: {
        ':own': randomUUID(),
        ':removed': { ...removal, mapping },
        ':next': revision + 1,
        ':fence': lease.fence,
        ':revision': revision,
      },
    });
    return item?.revision;
  }

  async forgetRemoved(key: ImageKey, { fence }: Lease): Promise<void> {
    await this.#update(key, {
      update: 'REMOVE removed',
      condition: 'fence = :fence',
      values: { ':fence': fence },
    });
  }

  async history(key: TagKey): Promise<HistoryEntry[]> {
    // First what is current: what is replaced meanwhile is then in the history.
    const { mapping, revision = 0 } = (await this.read(key)) ?? {};
    const past = await readHistory(this.#table, key, { before: revision, now: new Date() });
    return mapping ? [{ revision, mapping }, ...past] : past;
  }

  async confirm(
    key: ImageKey,
    lease: Lease,
    committed: CommittedResolve,
    observedAt: string,
  ): Promise<boolean> {
    await this.#listDigest(key);
    const stays = staysSince(lease.state.retirements);
    const item = await this.#update(key, {
      update:
        'SET #mapping.observedAt = :observed, committed = :committed, listed = :listed, claim = :claim REMOVE leaseOwner, leaseUntil, expiresAt',
      condition: `fence = :fence AND revision = :revision AND ${stays.condition}`,
      values: {
        ...stays.values,
        ':listed': true,
        ':claim': randomUUID(),
        ':observed': observedAt,
        ':committed': committed,
        ':revision': lease.state.revision,
        ':fence': lease.fence,
      },
    });
    return item !== undefined;
  }

  async putDigest(
    key: DigestKey,
    mapping: MappingRecord,
    writer?: DigestWriter,
  ): Promise<FormerDigest | undefined> {
    if (writer?.phase !== 'begin') return await this.#putDigest(key, mapping, writer);
    const put = await this.#putDigest(key, mapping, writer, hasRoom('publishing'));
    // Without room for one more writer, or refused by retention: then it is refused again.
    return put ?? (await this.#putDigest(key, mapping, { ...writer, ...unknownWriter }));
  }

  async #putDigest(
    key: DigestKey,
    mapping: MappingRecord,
    writer: DigestWriter | undefined,
    room?: string,
  ): Promise<FormerDigest | undefined> {
    const stays = writer?.phase === 'begin' ? staysSince(writer.retirements) : undefined;
    const noted =
      writer === undefined ? '' : `${writer.phase === 'begin' ? 'ADD' : 'DELETE'} publishing :writer`;
    const written = await conditional(
      this.#table.client.send(
        new UpdateCommand({
          TableName: this.#table.name,
          Key: tagItemKey(key),
          UpdateExpression: `SET #mapping = :mapping, revision = if_not_exists(revision, :one), claim = :claim REMOVE expiresAt, removed ${noted}`,
          ConditionExpression: room ? `${stays?.condition} AND ${room}` : stays?.condition,
          ExpressionAttributeNames: { '#mapping': 'mapping' },
          ExpressionAttributeValues: {
            ':mapping': mapping,
            ':one': 1,
            ':claim': randomUUID(),
            ...stays?.values,
            ...(room && { ':most': mostInSet }),
            ...(writer && { ':writer': new Set([publishingToken(writer)]) }),
          },
          ReturnValues: 'ALL_OLD',
        }),
      ),
    );
    if (written === undefined) return undefined;
    const former = written.Attributes as TagItem | undefined;
    return {
      isComplete: former?.children !== undefined && former.expiresAt === undefined,
      verifiedUnder: former?.mapping?.verifiedUnder,
    };
  }

  putChildren(parent: DigestKey, children: MappingRecord[] | undefined): Promise<void> {
    return putChildren(this.#table, parent, children);
  }

  async unmapDigest(key: DigestKey, claim: string | undefined): Promise<boolean> {
    await this.#changes.raise();
    const item = await this.#update(key, {
      // Its children may be lost as well: whoever maps it again records them again.
      update: 'REMOVE #mapping, listed, children SET claim = :own',
      condition: `attribute_exists(#mapping) AND ${sameClaim(claim)}`,
      values: { ':own': randomUUID(), ...(claim !== undefined && { ':claim': claim }) },
    });
    return item !== undefined;
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

  async tagsOf({
    registry,
    repository,
  }: Pick<ImageKey, 'registry' | 'repository'>): Promise<StoredMapping[]> {
    const tags: StoredMapping[] = [];
    const pages = queryPages(this.#table, {
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :tags)',
      ExpressionAttributeValues: {
        ':pk': repositoryPartition(`${registry}/${repository}`),
        ':tags': listedSortKey(''),
      },
    });
    for await (const items of pages)
      tags.push(...items.flatMap((item) => storedMapping(item as unknown as TagItem) ?? []));
    return tags;
  }

  mappedTags(repository: Pick<ImageKey, 'registry' | 'repository'>): AsyncIterable<MappedTag> {
    return mappedTags(this.#table, repository);
  }

  repositoriesOf(registry: string): AsyncIterable<string> {
    return repositoriesOf(this.#table, registry);
  }

  upstreamOf(mirrorRepository: string): Promise<Pick<ImageKey, 'registry' | 'repository'> | undefined> {
    return this.#repositories.upstreamOf(mirrorRepository);
  }

  changes(): Promise<MappingChanges> {
    return this.#changes.read();
  }

  list(query: MappingQuery): Promise<{ mappings: StoredMapping[]; cursor?: string }> {
    return listMappings(this.#table, query);
  }

  all(): AsyncIterable<StoredMapping> {
    return allMappings(this.#table);
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

  /** Before a tag's mapping is replaced or removed. Of a digest, there is nothing to keep. */
  async #keep(key: ImageKey, { mapping, revision }: TagState, removed?: MappingRemoval): Promise<void> {
    if (mapping === undefined || isDigestKey(key)) return;
    const replaced: Replaced = { revision, mapping, ...(removed && { removed }) };
    const kept = { now: new Date(), keptSeconds: this.#historySeconds };
    await putHistory(this.#table, key, replaced, kept);
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

  #send(key: ImageKey, update: ItemUpdate) {
    const names = update.update.includes('#mapping') ? { '#mapping': 'mapping' } : undefined;
    return updateItem(this.#table, tagItemKey(key), { ...update, ...(names && { names }) });
  }
}
