import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { JobQuery } from '../../jobs/ports.ts';
import { type JobRecord, jobIdTime } from '../../jobs/record.ts';
import { InvalidCursorError } from '../../mapping/store.ts';
import { jobPartition, jobRecord, jobRetentionSeconds, jobShards } from './job-item.ts';
import type { Table } from './table.ts';

const dayMs = 24 * 3600 * 1000;
/** A filter that matches little looks at this many jobs before it answers with what it has and a cursor. */
const maxExamined = 5_000;

/**
 * Lists jobs, the newest first. The cursor is the id of the last job looked at.
 *
 * @throws InvalidCursorError for a cursor that is no job id.
 */
export async function listJobs(
  table: Table,
  query: JobQuery,
): Promise<{ jobs: JobRecord[]; cursor?: string }> {
  const from = query.cursor === undefined ? Date.now() : jobIdTime(query.cursor);
  if (from === undefined) throw new InvalidCursorError();
  const oldest = Date.now() - jobRetentionSeconds * 1000 - dayMs;
  const jobs: JobRecord[] = [];
  let examined = 0;
  for (let day = startOfDay(from); day >= oldest; day -= dayMs) {
    for await (const job of jobsOfDay(table, new Date(day).toISOString().slice(0, 10), query)) {
      if (matches(job, query)) jobs.push(job);
      examined += 1;
      if (jobs.length === query.limit || examined === maxExamined) return { jobs, cursor: job.id };
    }
  }
  return { jobs };
}

function startOfDay(time: number): number {
  return Math.floor(time / dayMs) * dayMs;
}

function matches(job: JobRecord, query: JobQuery): boolean {
  if (query.states && !query.states.includes(job.state)) return false;
  if (query.image === undefined) return true;
  const { registry, repository, reference } = job.key;
  return query.image === `${registry}/${repository}${reference.includes(':') ? '@' : ':'}${reference}`;
}

/** Merges the day's shards, newest first. */
async function* jobsOfDay(table: Table, day: string, query: JobQuery): AsyncGenerator<JobRecord> {
  const shards = Array.from({ length: jobShards }, (_, shard) =>
    shardOfDay(table, jobPartition(day, shard), query),
  );
  const heads = await Promise.all(shards.map((shard) => shard.next()));
  for (;;) {
    let newest = -1;
    for (const [index, head] of heads.entries()) {
      const best = heads[newest];
      if (!head.done && (!best || best.done || head.value.id > best.value.id)) newest = index;
    }
    const head = heads[newest];
    const shard = shards[newest];
    if (!head || head.done || !shard) return;
    yield head.value;
    heads[newest] = await shard.next();
  }
}

async function* shardOfDay(
  table: Table,
  partition: string,
  query: JobQuery,
): AsyncGenerator<JobRecord, void> {
  let next: Record<string, unknown> | undefined;
  do {
    const page = await table.client.send(
      new QueryCommand({
        TableName: table.name,
        KeyConditionExpression: query.cursor === undefined ? 'pk = :pk' : 'pk = :pk AND sk < :cursor',
        ExpressionAttributeValues: {
          ':pk': partition,
          ...(query.cursor === undefined ? {} : { ':cursor': query.cursor }),
        },
        ConsistentRead: true,
        ScanIndexForward: false,
        Limit: Math.max(query.limit, 25),
        ExclusiveStartKey: next,
      }),
    );
    for (const item of page.Items ?? []) yield jobRecord(item);
    next = page.LastEvaluatedKey;
  } while (next);
}
