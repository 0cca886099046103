import type { BlobOutcome } from '../../copy/blob/copy-blob.ts';
import type { LayerIndex } from '../../copy/blob/layer-index.ts';
import type { TimeLimit } from '../../copy/blob/time-limit.ts';
import type { MirrorJobDependencies } from '../dependencies.ts';
import type { JobQueue, LayerLeases, LayerQueue, UpstreamGate } from '../ports.ts';
import type { JobError } from '../record.ts';

/** What a layer job works with. */
export interface LayerDependencies
  extends Pick<MirrorJobDependencies, 'config' | 'jobs' | 'openUpstream' | 'openMirror' | 'now' | 'warn'> {
  /** The mirror queue: where a job is woken. */
  queue: JobQueue;
  /** The layer queue: where a layer goes on that did not fit into this invocation. */
  layerQueue: LayerQueue;
  leases: LayerLeases;
  gate: UpstreamGate;
  /** Which repositories of the mirror hold the layer already. */
  layerIndex: LayerIndex;
  /** When the invocation ends: a layer that can't make it goes in parts. Absent: in one piece. */
  timeLimit?: TimeLimit;
}

/** What became of a layer message. */
export type ProcessedLayer =
  /** Its job was finished before, or is unknown. */
  | { state: 'gone' }
  /** Another worker carries the layer. */
  | { state: 'held' }
  /** The mirror has the layer. `complete`: it has all of the image's large ones, and the mirror job was woken. */
  | { state: 'carried'; how: BlobOutcome; complete: boolean }
  /** The invocation's time is used up: the layer is queued again. */
  | { state: 'queued' }
  /** The mirror job waits, and will ask again for what is missing. */
  | { state: 'waiting'; error: JobError; notBefore: string }
  /** The image failed. */
  | { state: 'failed'; error: JobError };
