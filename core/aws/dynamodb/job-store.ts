import { randomUUID } from 'node:crypto';
import { DeleteCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { JobQuery, JobStore, JobSummary, ParkedJob } from '../../jobs/ports.ts';
import { type JobMessage, type JobProgress, type JobRecord, jobIdTime } from '../../jobs/record.ts';
import { formatImageKey } from '../../mapping/record.ts';
import {
  formerParkedPartition,
  jobItemKey,
  jobRecord,
  jobRetentionSeconds,
  parkedKey,
  parkedPartitions,
  requireJobItemKey,
} from './job-item.ts';
import { listJobs } from './list-jobs.ts';
import { summarizeJobs } from './summarize-jobs.ts';
import { conditional, type ItemUpdate, readItem, type Table, updateItem, writeOnce } from './table.ts';

const unfinished = 'attribute_exists(pk) AND NOT #state IN (:committed, :satisfied, :superseded, :failed)';
const finishedStates = {
  ':committed': 'committed',
  ':satisfied': 'satisfied',
  ':superseded': 'superseded',
  ':failed': 'failed',
};

/** The job store on DynamoDB. The ID determines the partition, so no index is needed. */
export class DynamoJobStore implements JobStore {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async create(job: JobRecord): Promise<void> {
    const item = {
      ...requireJobItemKey(job.id),
      ...job,
      image: formatImageKey(job.key),
      expiresAt: Math.floor((jobIdTime(job.id) ?? 0) / 1000) + jobRetentionSeconds,
    };
    await conditional(
      this.#table.client.send(
        new PutCommand({
          TableName: this.#table.name,
          Item: item,
          ConditionExpression: 'attribute_not_exists(pk)',
        }),
      ),
    );
  }

  async read(id: string): Promise<JobRecord | undefined> {
    const key = jobItemKey(id);
    if (!key) return undefined;
    const item = await readItem(this.#table, key);
    return item && jobRecord(item);
  }

  async update(id: string, changes: Partial<Omit<JobRecord, 'id' | 'key'>>): Promise<boolean> {
    const names: Record<string, string> = { '#state': 'state' };
    const values: Record<string, unknown> = { ...finishedStates };
    const set: string[] = [];
    const remove: string[] = [];
    for (const [index, [name, value]] of Object.entries(changes).entries()) {
      names[`#f${index}`] = name;
      if (value === undefined) remove.push(`#f${index}`);
      else {
        set.push(`#f${index} = :v${index}`);
        values[`:v${index}`] = value;
      }
    }
    const expression = [
      set.length > 0 ? `SET ${set.join(', ')}` : '',
      remove.length > 0 ? `REMOVE ${remove.join(', ')}` : '',
    ].join(' ');
    const changed = await this.#change(id, { update: expression.trim(), names, values });
    return changed !== undefined;
  }

  async addProgress(id: string, { blobs, bytes }: Pick<JobProgress, 'blobs' | 'bytes'>): Promise<void> {
    // ADD does not accept a nested attribute; an addition in SET does.
    await this.#count(id, {
      update: 'SET progress.blobs = progress.blobs + :blobs, progress.#bytes = progress.#bytes + :bytes',
      condition: `${unfinished} AND attribute_exists(progress)`,
      names: { '#state': 'state', '#bytes': 'bytes' },
      values: { ...finishedStates, ':blobs': blobs, ':bytes': bytes },
    });
  }

  async begin(id: string, startedAt: string, delivery?: string): Promise<JobRecord | undefined> {
    if (!jobItemKey(id)) return undefined;
    return await this.#count(id, {
      update: `SET #state = :copying, startedAt = if_not_exists(startedAt, :at), begunAt = :at${delivery === undefined ? ' REMOVE notBefore, begunBy' : ', begunBy = :by REMOVE notBefore'} ADD attempts :one`,
      names: { '#state': 'state' },
      values: {
        ...finishedStates,
        ':copying': 'copying',
        ':at': startedAt,
        ':one': 1,
        ...(delivery !== undefined && { ':by': delivery }),
      },
    });
  }

  async addLayerFailure(id: string): Promise<number | undefined> {
    const job = await this.#count(id, {
      update: 'SET #state = :waiting ADD layerFailures :one',
      condition: `${unfinished} AND #state <> :waiting`,
      names: { '#state': 'state' },
      values: { ...finishedStates, ':waiting': 'waiting', ':one': 1 },
    });
    return job?.layerFailures;
  }

  list(query: JobQuery): Promise<{ jobs: JobRecord[]; cursor?: string }> {
    return listJobs(this.#table, query);
  }

  summary(since: Date): Promise<JobSummary> {
    return summarizeJobs(this.#table, since);
  }

  async park({ id, message }: Pick<ParkedJob, 'id' | 'message'>, notBefore: string): Promise<void> {
    const item = { ...parkedKey({ id, notBefore }), ...(message && { message }) };
    await this.#table.client.send(new PutCommand({ TableName: this.#table.name, Item: item }));
  }

  async due(now: string, limit: number): Promise<ParkedJob[]> {
    const found = await Promise.all(parkedPartitions.map((pk) => this.#dueIn(pk, now, limit)));
    return found
      .flat()
      .sort((a, b) => (`${a.notBefore}#${a.id}` < `${b.notBefore}#${b.id}` ? -1 : 1))
      .slice(0, limit);
  }

  async unpark(parked: ParkedJob): Promise<void> {
    const key = { ...parkedKey(parked), ...('pk' in parked && { pk: parked.pk }) };
    await this.#table.client.send(new DeleteCommand({ TableName: this.#table.name, Key: key }));
  }

  async #dueIn(pk: string, now: string, limit: number): Promise<ParkedJob[]> {
    const { Items = [] } = await this.#table.client.send(
      new QueryCommand({
        TableName: this.#table.name,
        KeyConditionExpression: 'pk = :pk AND sk < :until',
        // `~` comes after `#`, so jobs that are due right now are included.
        ExpressionAttributeValues: { ':pk': pk, ':until': `${now}~` },
        ConsistentRead: true,
        Limit: limit,
      }),
    );
    return Items.map((item) => {
      const [notBefore = '', id = ''] = (item.sk as string).split('#');
      const place = pk === formerParkedPartition ? { pk } : {};
      return { ...place, id, notBefore, ...(item.message && { message: item.message as JobMessage }) };
    });
  }

  /**
   * Like {@link #change}, for an update that would count twice if the SDK retried it. The update
   * must begin with SET.
   */
  async #count(
    id: string,
    { update, condition = unfinished, names, values }: ItemUpdate,
  ): Promise<JobRecord | undefined> {
    const own = randomUUID();
    const written = this.#send(id, {
      update: update.replace('SET ', 'SET counted = :own, '),
      condition: `${condition} AND (attribute_not_exists(counted) OR counted <> :own)`,
      names,
      values: { ...values, ':own': own },
    });
    const item = await writeOnce(this.#table, requireJobItemKey(id), written, {
      attribute: 'counted',
      value: own,
    });
    return item && jobRecord(item);
  }

  async #change(id: string, update: Omit<ItemUpdate, 'condition'>): Promise<JobRecord | undefined> {
    const written = await conditional(this.#send(id, { ...update, condition: unfinished }));
    return written?.Attributes && jobRecord(written.Attributes);
  }

  #send(id: string, update: ItemUpdate) {
    return updateItem(this.#table, requireJobItemKey(id), update);
  }
}
