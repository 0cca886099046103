import type { JobMessage, JobRecord, JobState } from './record.ts';

/** The job table: each job's record is its only truth; the queue carries no more than a reminder. */
export interface JobStore {
  /** Writes a new job; one that is there already stays as it is. */
  create(job: JobRecord): Promise<void>;
  read(id: string): Promise<JobRecord | undefined>;
  /** Changes some fields; undefined removes one. Unless the job is finished already: then false. */
  update(id: string, changes: Partial<Omit<JobRecord, 'id' | 'key'>>): Promise<boolean>;
  /** Notes that an attempt begins and returns the record with it; undefined if there is no such job or it is finished. */
  begin(id: string, startedAt: string): Promise<JobRecord | undefined>;
  list(query: JobQuery): Promise<{ jobs: JobRecord[]; cursor?: string }>;

  /** Puts a job where {@link due} finds it from `notBefore` on. Its record says `waiting` before. */
  park(job: Pick<JobRecord, 'id'>, notBefore: string): Promise<void>;
  /** Parked jobs whose time has come, the longest due first. */
  due(now: string, limit: number): Promise<ParkedJob[]>;
  unpark(parked: ParkedJob): Promise<void>;
}

export interface ParkedJob {
  id: string;
  notBefore: string;
}

export interface JobQuery {
  states?: JobState[];
  /** `registry/repository:tag`, as `image` tells it. */
  image?: string;
  limit: number;
  cursor?: string;
}

/** The mirror queue. */
export interface JobQueue {
  /**
   * Sends messages, each into the group of its mirror repository, and retries what the service refused.
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
