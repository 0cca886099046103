import { randomBytes } from 'node:crypto';
import type { Amount, Transfer } from '../copy/ports.ts';
import type { ReferrersSummary } from '../copy/referrers/referrers.ts';
import type { Evidence, ImageKey } from '../mapping/record.ts';
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
  'deletion',
] as const;
export type JobTrigger = (typeof jobTriggers)[number];

/**
 * A change of a tag's mapping that somebody asked for, rather than upstream: `rollback` moves it
 * back to an earlier digest and pins it, `pin` keeps it where it is, `unpin` lets it follow
 * upstream again.
 */
export type Change = { kind: 'rollback'; digest: Digest } | { kind: 'pin' } | { kind: 'unpin' };

/** A mirror job as the table holds it; {@link presentJob} converts it to the API's form. */
export interface JobRecord {
  id: string;
  key: ImageKey;
  /** The number of the event that asked for it. */
  event: number;
  state: JobState;
  trigger: JobTrigger;
  /** What to change, for jobs with the trigger `rollback` or `pin`. */
  change?: Change;
  /**
   * The digest that the tag points to, according to the event: only a hint, which is never copied.
   */
  toldDigest?: string;
  /** Times are ISO 8601. */
  receivedAt: string;
  startedAt?: string;
  /** When the latest attempt began; `startedAt` is the first one's time. */
  begunAt?: string;
  /** The queue's ID of the message whose delivery that attempt is. */
  begunBy?: string;
  finishedAt?: string;
  /** A waiting job is sent again at this time. */
  notBefore?: string;
  /**
   * When the schedule looks next whether the job is still under way: the time of the one note that
   * stays until the job is finished.
   */
  watch?: string;
  attempts: number;
  /**
   * How many invocations have used up their time on it. They are not failures and do not count as
   * attempts.
   */
  invocations?: number;
  /** Rounds of layer jobs in which a layer failed temporarily. */
  layerFailures?: number;
  digest?: Digest;
  /** From the event to the published mapping, milliseconds. */
  lagMs?: number;
  progress?: JobProgress;
  transfer?: Transfer;
  /** Foreign layers that the upstream does not serve: not in the mirror. */
  foreign?: Amount;
  /** What was found to belong to the image, and how much of it the mirror holds. */
  referrers?: ReferrersSummary;
  error?: JobError;
  /** Its rule's `require.age` held it back until then. */
  heldUntil?: string;
  /** The scans that it waits for. */
  scanning?: Scanning;
  /** Why a job ended without mirroring its image; no action is needed. */
  reason?: JobReason;
  /** Its large layers are carried by layer jobs; while they are, nothing else happens to it. */
  fannedOut?: FannedOut;
}

/** The scans of an image in the mirror that a job waits for. */
export interface Scanning {
  /** The image that waits for its tag. */
  digest: Digest;
  /** When the wait for it began. */
  since: string;
  /** Its images whose scans are not finished. */
  pending: Digest[];
}

/** What a job continues with when its layer jobs are done. */
export interface FannedOut {
  /**
   * What the upstream's reference pointed to. The job continues with this image, so that a tag that
   * keeps moving can't starve it.
   */
  sourceDigest: Digest;
  /**
   * The numbers and time of the resolve that found it: they decide what the outcome may overwrite.
   */
  event: number;
  resolve: number;
  observedAt: string;
  /** What was verified before anything was put; absent: its rule requires nothing. */
  evidence?: Evidence;
  /** When its layers were first handed out: a day later it fails. */
  since: string;
  layers: LayerBlob[];
  /** The image's transfer once the layers are carried. */
  transfer: Transfer;
}

export interface JobProgress {
  blobs: number;
  totalBlobs: number;
  bytes: number;
  totalBytes: number;
}

export const reasonCodes = ['not_selected', 'deleted_upstream', 'pinned', 'unverified'] as const;

/** Why a job ended without mirroring its image. */
export interface JobReason {
  /**
   * `not_selected`: newer tags have taken its place in `latest`. `deleted_upstream`: the tag was
   * deleted; the mirror keeps its image, and the rule says whether the mapping stays. `pinned`: the
   * tag stays at the digest that it is pinned to. `unverified`: an earlier job failed for lack of a
   * valid signature, and a comparison with the upstream found that there still is none.
   */
  code: (typeof reasonCodes)[number];
  message: string;
}

export interface JobError {
  code: string;
  side: 'upstream' | 'mirror' | 'drayage';
  message: string;
  remedy: string;
}

/** A blob as a message names it: everything needed to request it from registries. */
export type LayerBlob = Pick<Descriptor, 'mediaType' | 'digest' | 'size'>;

/**
 * The content of a queue message: enough to find the job, or to create it again if its record is
 * gone.
 */
export interface JobMessage {
  job: string;
  image: ImageKey;
  event: number;
  trigger: JobTrigger;
  receivedAt: string;
  change?: Change;
  /** It came back, perhaps because it ended its function: nobody must wait for it. */
  apart?: true;
}

/** The fields of a new job. */
export interface NewJob extends Pick<JobRecord, 'id' | 'key' | 'event' | 'trigger' | 'receivedAt'> {
  toldDigest?: string | undefined;
  change?: Change | undefined;
  /** For a job that waits first: when it is sent. */
  notBefore?: string | undefined;
}

/** A job before anything has happened to it. Every record starts like this. */
export function newJob({ toldDigest, notBefore, change, ...job }: NewJob): JobRecord {
  return {
    ...job,
    state: notBefore === undefined ? 'queued' : 'waiting',
    ...(toldDigest !== undefined && { toldDigest }),
    ...(change !== undefined && { change }),
    ...(notBefore !== undefined && { notBefore }),
    attempts: 0,
  };
}

/** The message that reminds a worker of a job. */
export function messageOf({ id, key, event, trigger, receivedAt, change }: JobRecord): JobMessage {
  return { job: id, image: key, event, trigger, receivedAt, ...(change && { change }) };
}

/** A job in the API's form. */
export function presentJob(job: JobRecord) {
  const { id, key, event: _event, toldDigest: _told, fannedOut: _fannedOut, ...shown } = job;
  const {
    invocations: _invocations,
    layerFailures: _failures,
    begunAt: _begun,
    begunBy: _message,
    watch: _watch,
    heldUntil: _held,
    scanning: _scanning,
    ...rest
  } = shown;
  return { id, image: formatImageKey(key), ...rest };
}

/** Whether there was an earlier attempt at a job: it may have moved the tag and lost its lease. */
export function wasBegunBefore({ attempts, invocations }: JobRecord): boolean {
  return attempts > 1 || invocations !== undefined;
}

/** Whether a job is in a final state. */
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
 * A new ID: 10 characters for the time in milliseconds and 16 random ones, sortable by time (the
 * ULID layout, in lower case).
 */
export function newJobId(now: number = Date.now()): string {
  let time = '';
  for (let rest = now, i = 0; i < 10; i++, rest = Math.floor(rest / 32)) time = alphabet[rest % 32] + time;
  let random = '';
  for (const byte of randomBytes(16)) random += alphabet[byte & 31];
  return time + random;
}

/** The time in a job ID, in milliseconds since 1970, or undefined if the text is not a job ID. */
export function jobIdTime(id: string): number | undefined {
  if (!/^[0-7][0-9a-hjkmnp-tv-z]{25}$/.test(id)) return undefined;
  let time = 0;
  for (const character of id.slice(0, 10)) time = time * 32 + alphabet.indexOf(character);
  return time;
}
