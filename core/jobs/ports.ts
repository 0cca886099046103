import type { Digest } from '../oci/digest.ts';
import type { JobMessage, JobProgress, JobRecord, JobState, LayerBlob } from './record.ts';

/**
 * The job table: each job's record is its only truth; the queue carries no more than a reminder.
 */
export interface JobStore {
  /** Writes a new job; one that is there already stays as it is. */
  create(job: JobRecord): Promise<void>;
  read(id: string): Promise<JobRecord | undefined>;
  /**
   * Adds to the job's progress what a layer of it is further now; negative where a layer begins
   * again. Nothing happens where the job is finished or shows no progress yet.
   */
  addProgress(id: string, more: Pick<JobProgress, 'blobs' | 'bytes'>): Promise<void>;
  /** Changes some fields; undefined removes one. Unless the job is finished already: then false. */
  update(id: string, changes: Partial<Omit<JobRecord, 'id' | 'key'>>): Promise<boolean>;
  /**
   * Records that an attempt begins and returns the record with it; undefined if there is no such
   * job or it is finished.
   */
  begin(id: string, startedAt: string): Promise<JobRecord | undefined>;
  /**
   * Counts that a layer of the job failed for now, and has the job wait, in one write. Layers that
   * fail while it waits already belong to the same round: they are not counted.
   *
   * @returns how many rounds failed so far, this one included; undefined where the job waits
   *   already or is finished.
   */
  addLayerFailure(id: string): Promise<number | undefined>;
  list(query: JobQuery): Promise<{ jobs: JobRecord[]; cursor?: string }>;

  /**
   * Puts a job where {@link due} finds it from `notBefore` on. The same time stands in its record
   * before: what was parked for another one is superseded. A job that has no record yet is parked
   * with its message.
   */
  park(job: Pick<ParkedJob, 'id' | 'message'>, notBefore: string): Promise<void>;
  /** Parked jobs whose time has come, the longest due first. */
  due(now: string, limit: number): Promise<ParkedJob[]>;
  unpark(parked: ParkedJob): Promise<void>;
}

export interface ParkedJob {
  id: string;
  notBefore: string;
  /** The job's message, in case it has no record. */
  message?: JobMessage;
}

export interface JobQuery {
  states?: JobState[];
  /** `registry/repository:tag`, as `image` tells it. */
  image?: string;
  limit: number;
  /** Whether a job still fits into the page; the first that does not starts the next. */
  fits?: (job: JobRecord) => boolean;
  cursor?: string;
}

/**
 * The most messages of the mirror queue in one invocation, whose jobs run side by side: Lambda
 * takes no more from a FIFO queue.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html
 */
export const mirrorBatchSize = 10;

/** The mirror queue. */
export interface JobQueue {
  /**
   * Sends messages, each into the group of its mirror repository, and retries what the service
   * refused.
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
   * All blobs of the image that went to the layer queue, this one included: whoever sees them all
   * present wakes the mirror job. With their sizes, which a repository that is asked for a blob
   * compares with its own.
   */
  layers: LayerBlob[];
  /** How many invocations have used up their time on the blob before; absent: none. */
  invocations?: number;
}

/** The layer queue: a standard queue, whose messages may come twice, late and in any order. */
export interface LayerQueue {
  /**
   * @returns the messages that could not be sent, with the reason; empty when all are in the queue.
   */
  send(messages: LayerMessage[]): Promise<{ message: LayerMessage; reason: string }[]>;
}

/**
 * Who carries which layer into which mirror repository right now, or will: tags that come together
 * have the same layers, and one job's layer is every other's, too. A hint that saves double work:
 * whoever holds none may still carry a layer without harm, since registries take a blob twice.
 */
export interface LayerLeases {
  /**
   * Takes a layer for `ttlMs`; false while another worker's lease has not run out. Whoever holds it
   * renews it this way, too, and what waits in the queue is anybody's.
   */
  take(claim: LayerClaim, ttlMs: number, now: Date): Promise<boolean>;
  /**
   * Notes for `ttlMs` that the layer waits in the queue; false where somebody carries it, or it
   * waits there already.
   */
  queue(place: LayerPlace, ttlMs: number, now: Date): Promise<boolean>;
  /** Which of these layers somebody is carrying, or wait in the queue. */
  held(repository: string, layers: Digest[], now: Date): Promise<Set<Digest>>;
  /** Lets go of a layer, if it is still this owner's. */
  release(claim: LayerClaim): Promise<void>;
  /** Notes that the layer does not wait in the queue any more, if nobody carries it. */
  unqueue(place: LayerPlace): Promise<void>;
  /** Forgets who has a layer, whoever it is: right where all workers are known to be gone. */
  free(place: LayerPlace): Promise<void>;
}

/** A layer on its way into a mirror repository. */
export interface LayerPlace {
  repository: string;
  layer: Digest;
}

/** Who carries it there. */
export interface LayerClaim extends LayerPlace {
  owner: string;
}

/** Upstream registries that asked not to be asked for a while, known to all workers. */
export interface UpstreamGate {
  /**
   * Until when the registry is closed, or undefined while it is open. What was read is believed for
   * a few seconds.
   */
  closedUntil(registry: string, now: Date): Promise<Date | undefined>;
  /** Closes the registry until then, unless it is closed for longer. */
  close(registry: string, until: Date): Promise<void>;
}

/** How the large layers of an image become jobs of their own. */
export interface FanOut {
  queue: LayerQueue;
  leases: LayerLeases;
  /** Blobs of at least this size, bytes, if several are missing. */
  minBytes: number;
}
