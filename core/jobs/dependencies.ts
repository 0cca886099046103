import type { Config, Upstream } from '../config/config.ts';
import type { LayerIndex } from '../copy/blob/layer-index.ts';
import type { TimeLimit } from '../copy/blob/time-limit.ts';
import type { CallOptions, ImageDestination, ImageSource } from '../copy/ports.ts';
import type { MappingStore } from '../mapping/store.ts';
import type { FanOut, JobStore, UpstreamGate } from './ports.ts';
import type { JobRecord, JobState } from './record.ts';

/** What a mirror job works with. */
export interface MirrorJobDependencies {
  config: Config;
  mappings: MappingStore;
  jobs: JobStore;
  layerIndex: LayerIndex;
  gate: UpstreamGate;
  /** Absent: the job carries all layers itself. */
  fanOut?: FanOut | undefined;
  /** When the attempt must end; absent: never. */
  timeLimit?: TimeLimit | undefined;
  openUpstream(upstream: Upstream, repository: string): Promise<ImageSource & TagLister>;
  openMirror(repository: string, options: CallOptions): Promise<OpenMirror>;
  now(): Date;
  /** How to wait for an image that is not there yet, milliseconds; rejects when the signal aborts. */
  pause?: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Told about what goes wrong beside the job itself. */
  warn(message: string, error: unknown): void;
}

export interface TagLister {
  listTags(options?: { signal?: AbortSignal }): AsyncIterable<string>;
}

/** The mirror repository of a job, and where it is. */
export interface OpenMirror {
  region: string;
  destination: ImageDestination;
}

/** How an attempt ended that did not fail. */
export type JobOutcome =
  | { state: Extract<JobState, 'committed' | 'satisfied' | 'superseded'>; changes: Partial<JobRecord> }
  /** Layer jobs carry its large layers; the last one of them wakes the job, and it looks after them at this time. */
  | { state: 'copying'; lookAgainAt: Date; changes: Partial<JobRecord> };
