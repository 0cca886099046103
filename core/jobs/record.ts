import { randomBytes } from 'node:crypto';
import type { Amount, Transfer } from '../copy/ports.ts';
import type { ReferrersSummary } from '../copy/referrers/referrers.ts';
import type { ImageKey } from '../mapping/record.ts';
import { formatImageKey } from '../mapping/record.ts';
import type { Descriptor } from '../oci/descriptor.ts';
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
export const jobTriggers = [
  'webhook',
  'reconcile',
  'request',
  'signature',
  'recheck',
  'redrive',
  'rollback',
  'pin',
] as const;
export type JobTrigger = (typeof jobTriggers)[number];

/** A mirror job as the table holds it; {@link presentJob} gives it in the API's words. */
export interface JobRecord {
  id: string;
  key: ImageKey;
  /** The number of the event that asked for it. */
  event: number;
  state: JobState;
  trigger: JobTrigger;
  /** What the event said that the tag points to: a hint, which is never copied. */
  toldDigest?: string;
  /** Times are ISO 8601. */
  receivedAt: string;
  startedAt?: string;
  finishedAt?: string;
  /** A waiting job is sent again at this time. */
  notBefore?: string;
  attempts: number;
  /**
   * How many invocations have used up their time on it: they are not failures, and do not count as
   * attempts.
   */
  invocations?: number;
  /** Rounds of layer jobs in which a layer failed for now. */
  layerFailures?: number;
  digest?: Digest;
  /** From the event to the published mapping, milliseconds. */
  lagMs?: number;
  progress?: JobProgress;
  transfer?: Transfer;
  /** Foreign layers that the upstream does not serve: not in the mirror. */
  foreign?: Amount;
  /** What it found to belong to the image, and what of it the mirror holds. */
  referrers?: ReferrersSummary;
  error?: JobError;
  /** Why a job is satisfied although its image is not mirrored; nobody has to do anything. */
  reason?: JobReason;
  /** Its large layers are carried by layer jobs; while they are, nothing else happens to it. */
  fannedOut?: FannedOut;
}

/** What a job goes on with when its layer jobs are done. */
export interface FannedOut {
  /**
   * What the upstream's reference pointed to: the job goes on with this image, so that a tag that
   * moves meanwhile can't starve it.
   */
  sourceDigest: Digest;
  /**
   * The numbers of the resolve that found it, and its time: they decide what the outcome may
   * overwrite.
   */
  event: number;
  resolve: number;
  observedAt: string;
  /** When its layers were first handed out: a day later it fails. */
  since: string;
  layers: LayerBlob[];
  /** What becomes of the image's blobs when the layers are carried. */
  transfer: Transfer;
}

export interface JobProgress {
  blobs: number;
  totalBlobs: number;
  bytes: number;
  totalBytes: number;
}

export interface JobReason {
  /**
   * `not_selected`: newer tags have taken its place in `latest`. `deleted_upstream`: a later look
   * found the tag deleted; mirror and mapping stay as they are.
   */
  code: 'not_selected' | 'deleted_upstream';
  message: string;
}

export interface JobError {
  code: string;
  side: 'upstream' | 'mirror' | 'drayage';
  message: string;
  remedy: string;
}

/** A blob as a message names it: all that registries are asked by. */
export type LayerBlob = Pick<Descriptor, 'mediaType' | 'digest' | 'size'>;

/**
 * What the queue carries: enough to find the job, and what the job is, should its record be gone.
 */
export interface JobMessage {
  job: string;
  image: ImageKey;
  event: number;
  trigger: JobTrigger;
  receivedAt: string;
}

/** What a new job is made of. */
export interface NewJob extends Pick<JobRecord, 'id' | 'key' | 'event' | 'trigger' | 'receivedAt'> {
  toldDigest?: string | undefined;
  /** Of a job that waits first: when it is sent. */
  notBefore?: string | undefined;
}

/** A job that nothing has happened to yet. Every record begins as one of these. */
export function newJob({ toldDigest, notBefore, ...job }: NewJob): JobRecord {
  return {
    ...job,
    state: notBefore === undefined ? 'queued' : 'waiting',
    ...(toldDigest !== undefined && { toldDigest }),
    ...(notBefore !== undefined && { notBefore }),
    attempts: 0,
  };
}

/** The message that reminds a worker of a job. */
export function messageOf({ id, key, event, trigger, receivedAt }: JobRecord): JobMessage {
  return { job: id, image: key, event, trigger, receivedAt };
}

/** A job in the API's words. */
export function presentJob(job: JobRecord) {
  const { id, key, event: _event, toldDigest: _told, fannedOut: _fannedOut, ...shown } = job;
  const { invocations: _invocations, layerFailures: _failures, ...rest } = shown;
  return { id, image: formatImageKey(key), ...rest };
}

/**
 * Whether an attempt at a job was begun before this one: it may have moved the tag and lost its
 * lease.
 */
export function wasBegunBefore({ attempts, invocations }: JobRecord): boolean {
  return attempts > 1 || invocations !== undefined;
}

/** Whether nothing will happen to a job any more. */
export function isFinished(job: Pick<JobRecord, 'state'>): boolean {
  return (
    job.state === 'committed' ||
    job.state === 'satisfied' ||
    job.state === 'superseded' ||
    job.state === 'failed'
  );
}

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'; // Crockford's base 32

/**
 * A new id: 10 characters of time in milliseconds, 16 random ones, sorting by time (the ULID
 * layout, lower case).
 */
export function newJobId(now: number = Date.now()): string {
  let time = '';
  for (let rest = now, i = 0; i < 10; i++, rest = Math.floor(rest / 32)) time = alphabet[rest % 32] + time;
  let random = '';
  for (const byte of randomBytes(16)) random += alphabet[byte & 31];
  return time + random;
}

/** The time in a job id, milliseconds since 1970, or undefined if the text is not a job id. */
export function jobIdTime(id: string): number | undefined {
  if (!/^[0-7][0-9a-hjkmnp-tv-z]{25}$/.test(id)) return undefined;
  let time = 0;
  for (const character of id.slice(0, 10)) time = time * 32 + alphabet.indexOf(character);
  return time;
}
