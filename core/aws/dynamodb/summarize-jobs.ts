import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { JobSummary } from '../../jobs/ports.ts';
import { isFinished, type JobRecord, jobIdTime, newJobId } from '../../jobs/record.ts';
import { batchGet } from './batch-get.ts';
import { jobItemKey, jobPartition, jobRecord, jobShards, parkedPartitions } from './job-item.ts';
import type { Table } from './table.ts';

/** At most this many notes of each partition are read. */
const notesRead = 100;

/** What is counted of a job. */
type Counted = Pick<JobRecord, 'id' | 'state' | 'startedAt'>;

/**
 * Counts jobs. Newer ones are read from their own partitions, one page of at most a megabyte each;
 * older ones that are not finished are found by their parking notes. All of this is information,
 * so it is read without strong consistency, at half the cost.
 */
export async function summarizeJobs(table: Table, since: Date): Promise<JobSummary> {
  const [recent, notes] = await Promise.all([recentJobs(table, since), parkedIds(table)]);
  const known = new Set(recent.jobs.map(({ id }) => id));
  // Newer ones that are not among those read have finished.
  const older = notes.ids.filter((id) => !known.has(id) && (jobIdTime(id) ?? 0) < recent.since.getTime());
  const items = await batchGet(
    table,
    older.flatMap((id) => jobItemKey(id) ?? []),
  );
  const open = [...recent.jobs, ...items.map(jobRecord)].filter((job) => !isFinished(job));
  const count = (state: JobRecord['state']) => open.filter((job) => job.state === state).length;
  const waiting = open.filter(({ state }) => state === 'waiting');
  const tried = waiting.filter(({ startedAt }) => startedAt !== undefined).map(({ id }) => id);
  const oldestWaiting = await readJob(table, tried.sort()[0]);
  return {
    queued: count('queued'),
    waiting: waiting.length,
    planned: waiting.length - tried.length,
    copying: count('copying'),
    failed: recent.jobs.filter(({ state }) => state === 'failed').length,
    since: recent.since,
    isComplete: recent.since <= since && notes.areAll,
    ...(oldestWaiting && { oldestWaiting }),
  };
}

/** The unfinished and failed jobs since a time, or since a later one if there are too many. */
async function recentJobs(table: Table, since: Date): Promise<{ jobs: Counted[]; since: Date }> {
  const months = new Set([since, new Date()].map((time) => time.toISOString().slice(0, 7)));
  const shards = [...months].flatMap((month) =>
    Array.from({ length: jobShards }, (_, shard) => jobPartition(month, shard)),
  );
  const pages = await Promise.all(shards.map((shard) => recentOfShard(table, shard, since)));
  return {
    jobs: pages.flatMap(({ jobs }) => jobs),
    since: new Date(Math.max(since.getTime(), ...pages.map(({ from }) => from))),
  };
}

async function recentOfShard(
  table: Table,
  partition: string,
  since: Date,
): Promise<{ jobs: Counted[]; from: number }> {
  const page = await table.client.send(
    new QueryCommand({
      TableName: table.name,
      KeyConditionExpression: 'pk = :pk AND sk > :from',
      FilterExpression: '#state IN (:queued, :waiting, :copying, :failed)',
      ProjectionExpression: 'sk, #state, startedAt',
      ExpressionAttributeNames: { '#state': 'state' },
      ExpressionAttributeValues: {
        ':pk': partition,
        // The time's part of an ID comes before all IDs of that time.
        ':from': newJobId(since.getTime()).slice(0, 10),
        ':queued': 'queued',
        ':waiting': 'waiting',
        ':copying': 'copying',
        ':failed': 'failed',
      },
      ScanIndexForward: false,
    }),
  );
  const jobs = (page.Items ?? []).map(
    ({ sk, state, startedAt }) => ({ id: sk, state, startedAt }) as Counted,
  );
  const last = page.LastEvaluatedKey?.sk as string | undefined;
  return { jobs, from: last === undefined ? 0 : (jobIdTime(last) ?? 0) };
}

/** The jobs that have notes, those that are due first before others. */
async function parkedIds(table: Table): Promise<{ ids: string[]; areAll: boolean }> {
  const pages = await Promise.all(
    parkedPartitions.map((pk) =>
      table.client.send(
        new QueryCommand({
          TableName: table.name,
          KeyConditionExpression: 'pk = :pk',
          ProjectionExpression: 'sk',
          ExpressionAttributeValues: { ':pk': pk },
          Limit: notesRead,
        }),
      ),
    ),
  );
  const ids = pages.flatMap(({ Items = [] }) => Items.map(({ sk }) => (sk as string).split('#')[1] ?? ''));
  return { ids: [...new Set(ids)], areAll: pages.every(({ LastEvaluatedKey }) => !LastEvaluatedKey) };
}

async function readJob(table: Table, id: string | undefined): Promise<JobRecord | undefined> {
  const key = id === undefined ? undefined : jobItemKey(id);
  const [item] = key === undefined ? [] : await batchGet(table, [key]);
  return item && jobRecord(item);
}
