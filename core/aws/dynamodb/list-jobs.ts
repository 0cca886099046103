import type { JobQuery } from '../../jobs/ports.ts';
import { type JobRecord, jobIdTime } from '../../jobs/record.ts';
import { formatImageKey } from '../../mapping/record.ts';
import { InvalidCursorError } from '../../mapping/store.ts';
import { jobPartition, jobRecord, jobRetentionSeconds, jobShards } from './job-item.ts';
import { queryPages, type Table } from './table.ts';

const dayMs = 24 * 3600 * 1000;
/**
 * A query whose filter matches few jobs examines this many before it returns what it has and a
 * cursor.
 */
const maxExamined = 5_000;

/**
 * Lists jobs, newest first. The cursor is the ID of the last job examined.
 *
 * @throws InvalidCursorError for a cursor that is not a job ID.
 */
export async function listJobs(
  table: Table,
  query: JobQuery,
): Promise<{ jobs: JobRecord[]; cursor?: string }> {
  const from = query.cursor === undefined ? Date.now() : jobIdTime(query.cursor);
  if (from === undefined) throw new InvalidCursorError();
  const jobs: JobRecord[] = [];
  let examined = 0;
  let last: string | undefined;
  // IDs can encode times up to the year 10889; future months are not queried.
  for (const month of months(Math.min(from, Date.now()))) {
    for await (const job of jobsOfMonth(table, month, query)) {
      if (matches(job, query)) {
        if (query.fits?.(job) === false) return { jobs, ...(last !== undefined && { cursor: last }) };
        jobs.push(job);
      }
      last = job.id;
      examined += 1;
      if (jobs.length === query.limit || examined === maxExamined) return { jobs, cursor: job.id };
    }
  }
  return { jobs };
}

/**
 * The months from `from` back to the oldest job that is kept, with an extra day at both ends:
 * clocks and expiry are not exact.
 */
function months(from: number): string[] {
  const oldest = monthOf(Date.now() - jobRetentionSeconds * 1000 - dayMs);
  const found: string[] = [];
  for (
    let month = monthOf(from + dayMs);
    month >= oldest;
    month = monthOf(Date.parse(`${month}-01`) - dayMs)
  ) {
    found.push(month);
  }
  return found;
}

function monthOf(time: number): string {
  return new Date(time).toISOString().slice(0, 7);
}

function matches(job: JobRecord, query: JobQuery): boolean {
  if (query.states && !query.states.includes(job.state)) return false;
  if (query.image === undefined) return true;
  return query.image === formatImageKey(job.key);
}

/** Merges the month's shards, newest first. */
async function* jobsOfMonth(table: Table, month: string, query: JobQuery): AsyncGenerator<JobRecord> {
  const shards = Array.from({ length: jobShards }, (_, shard) =>
    shardOfMonth(table, jobPartition(month, shard), query),
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

async function* shardOfMonth(
  table: Table,
  partition: string,
  query: JobQuery,
): AsyncGenerator<JobRecord, void> {
  const pages = queryPages(table, {
    KeyConditionExpression: query.cursor === undefined ? 'pk = :pk' : 'pk = :pk AND sk < :cursor',
    ExpressionAttributeValues: {
      ':pk': partition,
      ...(query.cursor === undefined ? {} : { ':cursor': query.cursor }),
    },
    ScanIndexForward: false,
    Limit: Math.max(query.limit, 25),
  });
  for await (const items of pages) for (const item of items) yield jobRecord(item);
}
