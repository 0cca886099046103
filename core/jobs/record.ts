import { randomBytes } from 'node:crypto';
import type { Transfer } from '../copy/ports.ts';
import type { ReferrersSummary } from '../copy/referrers.ts';
import type { ImageKey } from '../mapping/record.ts';
import { formatImageKey } from '../mapping/record.ts';
import type { Digest } from '../oci/digest.ts';

export const jobStates = [
  'queued',
  'waiting',
  'copying',
  'committed',
  'satisfied',
  'superseded',
  'failed',
] as const;
export type JobState = (typeof jobStates)[number];
export type JobTrigger =
  | 'webhook'
  | 'reconcile'
  | 'request'
  | 'signature'
  | 'recheck'
  | 'redrive'
  | 'rollback'
  | 'pin';

/** A mirror job as the table holds it; {@link presentJob} gives it in the API's words. */
export interface JobRecord {
  id: string;
  key: ImageKey;
  /** The number of the event that asked for it. */
  event: number;
  state: JobState;
  trigger: JobTrigger;
  /** Times are ISO 8601. */
  receivedAt: string;
  startedAt?: string;
  finishedAt?: string;
  /** A waiting job is sent again at this time. */
  notBefore?: string;
  attempts: number;
  digest?: Digest;
  /** From the event to the published mapping, milliseconds. */
  lagMs?: number;
  progress?: JobProgress;
  transfer?: Transfer;
  /** What it found to belong to the image, and what of it the mirror holds. */
  referrers?: ReferrersSummary;
  error?: JobError;
}

export interface JobProgress {
  blobs: number;
  totalBlobs: number;
  bytes: number;
  totalBytes: number;
}

export interface JobError {
  code: string;
  side: 'upstream' | 'mirror' | 'drayage';
  message: string;
  remedy: string;
}

/** What the queue carries: enough to find the job, and what the job is, should its record be gone. */
export interface JobMessage {
  job: string;
  image: ImageKey;
  event: number;
  trigger: JobTrigger;
  receivedAt: string;
}

/** A job in the API's words. */
export function presentJob(job: JobRecord) {
  const { id, key, event: _, ...rest } = job;
  return { id, image: formatImageKey(key), ...rest };
}

/** Whether nothing will happen to a job any more. */
export function isFinished(job: JobRecord): boolean {
  return (
    job.state === 'committed' ||
    job.state === 'satisfied' ||
    job.state === 'superseded' ||
    job.state === 'failed'
  );
}

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'; // Crockford's base 32

/** A new id: 10 characters of time in milliseconds, 16 random ones, sorting by time (the ULID layout, lower case). */
export function newJobId(now: number = Date.now()): string {
  let time = '';
  for (let rest = now, i = 0; i < 10; i++, rest = Math.floor(rest / 32)) time = alphabet[rest % 32] + time;
  let random = '';
  for (const byte of randomBytes(16)) random += alphabet[byte & 31];
  return time + random;
}

/** The time in a job id, milliseconds since 1970, or undefined if the text is no job id. */
export function jobIdTime(id: string): number | undefined {
  if (!/^[0-7][0-9a-hjkmnp-tv-z]{25}$/.test(id)) return undefined;
  let time = 0;
  for (const character of id.slice(0, 10)) time = time * 32 + alphabet.indexOf(character);
  return time;
}
