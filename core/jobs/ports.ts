import type { DigestKey, ImageKey } from '../mapping/record.ts';
import type { Digest } from '../oci/digest.ts';
import type { JobMessage, JobProgress, JobRecord, JobState, LayerBlob } from './record.ts';

/**
 * The job table: each job's record is the only source of truth; the queue only carries a reminder.
 */
export interface JobStore {
  /** Writes a new job; one that already exists stays as it is. */
  create(job: JobRecord): Promise<void>;
  read(id: string): Promise<JobRecord | undefined>;
  /**
   * Adds the progress of a layer to its job's progress; negative if a layer starts again. Nothing
   * happens if the job is finished or has no progress yet.
   */
  addProgress(id: string, more: Pick<JobProgress, 'blobs' | 'bytes'>): Promise<void>;
  /**
   * Changes some fields; undefined removes one. Returns false, without a change, if the job is
   * finished.
   */
  update(id: string, changes: Partial<Omit<JobRecord, 'id' | 'key'>>): Promise<boolean>;
  /**
   * Records that an attempt begins and returns the updated record; undefined if there is no such
   * job or it is finished.
   *
   * @param delivery the queue's ID of the message whose attempt it is, if there is one
   */
  begin(id: string, startedAt: string, delivery?: string): Promise<JobRecord | undefined>;
  /**
   * Counts a temporary failure of one of the job's layers, and sets the job to waiting, in one
   * write. Layers that fail while it is already waiting belong to the same round: they are not
   * counted.
   *
   * @returns how many rounds have failed so far, including this one; undefined if the job is
   *   already waiting or is finished.
   */
  addLayerFailure(id: string): Promise<number | undefined>;
  list(query: JobQuery): Promise<{ jobs: JobRecord[]; cursor?: string }>;
  /**
   * Counts jobs, with a fixed number of reads: those that are not finished, and those received
   * since a time that have failed.
   */
  summary(since: Date): Promise<JobSummary>;

  /**
   * Puts a job where {@link due} finds it from `notBefore` on. Its record must already contain the
   * same time: notes for any other time are superseded. A job that has no record yet is parked with
   * its message.
   */
  park(job: Pick<ParkedJob, 'id' | 'message'>, notBefore: string): Promise<void>;
  /** Parked jobs whose time has come, the longest due first. */
  due(now: string, limit: number): Promise<ParkedJob[]>;
  unpark(parked: ParkedJob): Promise<void>;
}

/** How many jobs are in which state. */
export interface JobSummary extends Record<'queued' | 'waiting' | 'copying' | 'failed', number> {
  /** How many of the waiting ones have not begun: looks that were planned for later. */
  planned: number;
  /** Failed jobs are counted back to this time. */
  since: Date;
  /**
   * Whether all jobs that are not finished are counted, and the failed ones back to the time that
   * was asked for. In a flood there are more than is read.
   */
  isComplete: boolean;
  /** The waiting job that was received first, of those that have been tried. */
  oldestWaiting?: JobRecord;
}

export interface ParkedJob {
  id: string;
  notBefore: string;
  /** The job's message, in case it has no record. */
  message?: JobMessage;
}

export interface JobQuery {
  states?: JobState[];
  /** `registry/repository:tag`, as in the `image` field. */
  image?: string;
  limit: number;
  /** Whether a job still fits into the page; the first that does not starts the next. */
  fits?: (job: JobRecord) => boolean;
  cursor?: string;
}

/**
 * The most messages of the mirror queue in one invocation, whose jobs run in parallel: Lambda takes
 * no more from a FIFO queue.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html
 */
export const mirrorBatchSize = 10;

/** The mirror queue. */
export interface JobQueue {
  /**
   * Sends messages, each into the group of its mirror repository, and retries those that the
   * service refused.
   *
   * @returns the messages that could not be sent, with the reason; empty when all are in the queue.
   */
  send(messages: QueuedMessage[]): Promise<{ message: QueuedMessage; reason: string }[]>;
}

export interface QueuedMessage {
  /** The mirror repository: jobs of one group run one after the other. */
  group: string;
  body: JobMessage;
}

/** What the layer queue carries: one large blob of a mirror job's image. */
export interface LayerMessage {
  /** The mirror job. */
  job: string;
  /** What to carry. */
  layer: LayerBlob;
  /**
   * All blobs of the image that went to the layer queue, including this one: the worker that finds
   * them all present wakes the mirror job. They include their sizes, which a repository compares
   * with its own when it is asked for a blob.
   */
  layers: LayerBlob[];
  /** How many earlier invocations have used up their time on the blob; absent: none. */
  invocations?: number;
}

/**
 * The layer queue: a standard queue, whose messages may be delivered twice, late and in any order.
 */
export interface LayerQueue {
  /**
   * @returns the messages that could not be sent, with the reason; empty when all are in the queue.
   */
  send(messages: LayerMessage[]): Promise<{ message: LayerMessage; reason: string }[]>;
}

/**
 * Which worker carries, or will carry, which layer into which mirror repository. Tags that are
 * pushed together share layers, so a layer of one job is often a layer of others. The leases are
 * only a hint that avoids duplicate work: a worker without a lease may still carry a layer without
 * harm, since registries accept a blob twice.
 */
export interface LayerLeases {
  /**
   * Takes a layer for `ttlMs`; false while another worker's lease has not expired. The holder also
   * renews its lease this way. Any worker may take a layer that waits in the queue.
   */
  take(claim: LayerClaim, ttlMs: number, now: Date): Promise<boolean>;
  /**
   * Records for `ttlMs` that the layer waits in the queue; false if a worker carries it, or it is
   * already waiting there.
   */
  queue(place: LayerPlace, ttlMs: number, now: Date): Promise<boolean>;
  /** Which of these layers are being carried, or wait in the queue. */
  held(repository: string, layers: Digest[], now: Date): Promise<Set<Digest>>;
  /** Releases a layer, if this owner still has it. */
  release(claim: LayerClaim): Promise<void>;
  /** Records that the layer no longer waits in the queue, unless a worker carries it. */
  unqueue(place: LayerPlace): Promise<void>;
  /** Removes a layer's lease, whoever has it: for use when all workers are known to be gone. */
  free(place: LayerPlace): Promise<void>;
}

/** A layer on its way into a mirror repository. */
export interface LayerPlace {
  repository: string;
  layer: Digest;
}

/** The worker that carries it there. */
export interface LayerClaim extends LayerPlace {
  owner: string;
}

/** Upstream registries whose rate limit is reached, or that are down, shared by all workers. */
export interface UpstreamGate {
  /**
   * Until when the registry is closed, or undefined while it is open. Values are cached for a few
   * seconds.
   */
  closedUntil(registry: string, now: Date): Promise<Date | undefined>;
  /** Closes the registry until then, unless it is already closed for longer. */
  close(registry: string, until: Date): Promise<void>;
  /** The registry's failures since its last answer; undefined: none. Cached like the other. */
  outage(registry: string): Promise<Outage | undefined>;
  /** Counts a failure to get an answer from the registry. */
  failed(registry: string, failure: { at: Date; reason: string }): Promise<Outage>;
  /** Records that the registry has answered: an outage, if one is known, is over. */
  answered(registry: string): Promise<void>;
  /** Closes the registry until then because it is down, unless that is already so for longer. */
  closeDown(registry: string, until: Date): Promise<void>;
  /**
   * Takes the right to look whether a registry that is down is back. It is closed for all others
   * until then; false if somebody else has that right.
   */
  probe(registry: string, until: Date, now: Date): Promise<boolean>;
}

/** Failures to get an answer from an upstream, with none that succeeded in between. */
export interface Outage {
  /** When the first one was. */
  since: Date;
  failures: number;
  /** What the latest one says. */
  reason: string;
}

/**
 * Images that were not mirrored because a signature is missing or wrong: the signature's own event
 * is about their digest, and finds them here.
 */
export interface AwaitedSignatures {
  /** Notes an image. @returns the job that was noted before */
  note(image: UnverifiedImage): Promise<string | undefined>;
  /** What was noted of a digest: the first hundred. */
  of(key: DigestKey): Promise<AwaitingImage[]>;
  /** Forgets an image: it is verified. */
  clear(key: ImageKey, digest: Digest): Promise<void>;
}

/** An image that is not verified. */
export interface UnverifiedImage {
  key: ImageKey;
  /** What its reference points to. */
  digest: Digest;
  /** The job that found it so. */
  job: string;
  now: Date;
}

/** A tag that is not mirrored for lack of a signature, or a digest, and the job that says so. */
export interface AwaitingImage {
  reference: string;
  job: string;
}

/** How the large layers of an image become jobs of their own. */
export interface FanOut {
  queue: LayerQueue;
  leases: LayerLeases;
  /** Blobs of at least this size, bytes, if several are missing. */
  minBytes: number;
}
