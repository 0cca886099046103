import counted from './counts.json' with { type: 'json' };

/** What one run of something uses of AWS. */
export interface Use {
  /** Of each function: how often it runs, and its CPU time in milliseconds, measured warm. */
  functions: Readonly<Record<string, { invocations: number; cpuMs: number }>>;
  /** Read and write units, as DynamoDB bills them. */
  tableReads: number;
  tableWrites: number;
  /** Requests to the mirror queue, its dead-letter queue, and the standard queues. */
  sqsFifo: number;
  sqsStandard: number;
  s3Puts: number;
  s3Gets: number;
  /** Of our own events. AWS's are free. */
  busEvents: number;
  /** Of the upstream's and the mirror's registries together: free, but each takes time. */
  registryRequests: number;
  /** What the functions write to their logs. */
  logBytes: number;
}

/** What a push may turn out to be. */
export type PushKind = 'first' | 'next' | 'nothing';

/**
 * What the pipeline's own code uses, counted at the servers of the local stack (`npm run bench --
 * cost` writes the file; a test counts again).
 */
export interface Counts {
  /** When it was measured. */
  measured: string;
  /** From the webhook to the mapping, by kind of push. */
  pushes: Readonly<Record<PushKind, Use>>;
  /** The calls of one minute in which nothing is due. */
  idleMinute: Use;
  /** The snapshot of the mapping after a change, for a mapping as small as the bench's. */
  snapshot: Use;
  /** What the smallest deployment has. */
  deployed: {
    /** Memory of each function, MB. */
    memory: Readonly<Record<string, number>>;
    alarms: number;
    secrets: number;
    /** Different metrics that the functions record. */
    metrics: number;
  };
}

export const counts: Counts = counted;
