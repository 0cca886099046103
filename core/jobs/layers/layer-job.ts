import type { BlobOutcome } from '../../copy/blob/copy-blob.ts';
import type { MirrorJobDependencies } from '../dependencies.ts';
import type { JobQueue, LayerLeases, LayerQueue } from '../ports.ts';
import type { JobError } from '../record.ts';

/** The dependencies of a layer job. */
export interface LayerDependencies
  extends Pick<
    MirrorJobDependencies,
    | 'config'
    | 'jobs'
    | 'layerIndex'
    | 'gate'
    | 'notifier'
    | 'timeLimit'
    | 'openUpstream'
    | 'openMirror'
    | 'now'
    | 'warn'
  > {
  /** The mirror queue, to wake a job. */
  readonly queue: JobQueue;
  /** The layer queue, for a layer that did not fit into this invocation. */
  readonly layerQueue: LayerQueue;
  readonly leases: LayerLeases;
}

/** The result of a layer message. */
export type ProcessedLayer =
  /** Its job is already finished, or unknown. */
  | { state: 'gone' }
  /** Another worker is carrying the layer. */
  | { state: 'held' }
  /**
   * The mirror has the layer. `complete`: it has all of the image's large ones, and the mirror job
   * was woken.
   */
  | { state: 'carried'; how: BlobOutcome; complete: boolean }
  /** The invocation's time is used up: the layer is queued again. */
  | { state: 'queued' }
  /** The mirror job waits, and will ask again for what is missing. */
  | { state: 'waiting'; error: JobError; notBefore: string }
  /** The image failed. */
  | { state: 'failed'; error: JobError };
