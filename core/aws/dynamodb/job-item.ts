import type { ParkedJob } from '../../jobs/ports.ts';
import { type JobRecord, jobIdTime } from '../../jobs/record.ts';

/** How long jobs are kept, in seconds. */
export const jobRetentionSeconds = 30 * 24 * 3600;
/**
 * A month's jobs are spread over this many partitions. Job IDs grow with time, so a single
 * partition would take all current writes.
 */
export const jobShards = 4;

/** The partition of the jobs of a month (`2026-11`) in a shard. */
export function jobPartition(month: string, shard: number): string {
  return `jobs#${month}#${shard}`;
}

/** The key of a job's item, or undefined if the text is not a job ID. */
export function jobItemKey(id: string): { pk: string; sk: string } | undefined {
  const time = jobIdTime(id);
  if (time === undefined) return undefined;
  const month = new Date(time).toISOString().slice(0, 7);
  return { pk: jobPartition(month, id.charCodeAt(id.length - 1) % jobShards), sk: id };
}

/** The record in a job's item. */
export function jobRecord(item: Record<string, unknown>): JobRecord {
  const { pk: _pk, sk: _sk, image: _image, expiresAt: _expiresAt, counted: _counted, ...record } = item;
  return record as unknown as JobRecord;
}

/**
 * The key of a job's item.
 *
 * @throws TypeError for a text that is not a job ID.
 */
export function requireJobItemKey(id: string): { pk: string; sk: string } {
  const key = jobItemKey(id);
  if (!key) throw new TypeError(`${id} is not a job ID`);
  return key;
}

/**
 * Notes are spread over partitions. Otherwise all current ones would go to one partition, which
 * takes 1,000 writes per second.
 */
const parkedShards = 8;
/** Where notes were stored before they were spread. */
export const formerParkedPartition = 'parked';
/** All partitions with notes. */
export const parkedPartitions = [
  ...Array.from({ length: parkedShards }, (_, shard) => `parked#${shard}`),
  formerParkedPartition,
];

/** The key of a job's note for a time. */
export function parkedKey({ id, notBefore }: Pick<ParkedJob, 'id' | 'notBefore'>): {
  pk: string;
  sk: string;
} {
  const shard = id.charCodeAt(id.length - 1) % parkedShards;
  return { pk: `parked#${shard}`, sk: `${notBefore}#${id}` };
}
