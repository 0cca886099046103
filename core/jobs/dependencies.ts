import type { Config, Upstream } from '../config/config.ts';
import type { BlobPool } from '../copy/blob/blob-pool.ts';
import type { LayerIndex } from '../copy/blob/layer-index.ts';
import type { TimeLimit } from '../copy/blob/time-limit.ts';
import type { CallOptions, ImageDestination, ImageSource } from '../copy/ports.ts';
import type { MappingRecord } from '../mapping/record.ts';
import type { MappingStore } from '../mapping/store.ts';
import type { Notifier } from '../notify/ports.ts';
import type { Digest } from '../oci/digest.ts';
import type { VerifyImage } from '../verify/verdict.ts';
import type { AwaitedSignatures, FanOut, JobStore, UpstreamGate } from './ports.ts';
import type { JobRecord, JobState } from './record.ts';
import type { RequirementPorts } from './requirements/ports.ts';

/** The dependencies of jobs. Each function takes the ones that it uses. */
export interface MirrorJobDependencies {
  readonly config: Config;
  readonly mappings: MappingStore;
  readonly jobs: JobStore;
  readonly layerIndex: LayerIndex;
  readonly gate: UpstreamGate;
  readonly notifier: Notifier;
  /** Verifies what a rule requires to be signed. */
  readonly verifyImage: VerifyImage;
  readonly awaited: AwaitedSignatures;
  /** Absent: the job carries all layers itself. */
  readonly fanOut?: FanOut | undefined;
  /** The streams that the jobs of an invocation share; absent: the job runs alone. */
  readonly pool?: BlobPool | undefined;
  /**
   * When the attempt must end: blobs that can't make it are sent in parts. Absent: never, and every
   * blob is sent in one piece.
   */
  readonly timeLimit?: TimeLimit | undefined;
  readonly openUpstream: (upstream: Upstream, repository: string) => Promise<ImageSource & TagLister>;
  readonly openMirror: (repository: string, options: CallOptions) => Promise<OpenMirror>;
  /**
   * Puts the settings of a mirror repository right; never rejects. Absent: they stay as they are.
   */
  readonly keepInLine?: ((repository: string, options: CallOptions) => Promise<void>) | undefined;
  /** Absent: images of rules that require an age or a scan fail. */
  readonly requirements?: RequirementPorts | undefined;
  readonly now: () => Date;
  /**
   * How to wait for an image that is not there yet, milliseconds; rejects when the signal aborts.
   */
  readonly pause?: ((ms: number, signal?: AbortSignal) => Promise<void>) | undefined;
  /** Reports problems that do not fail the job. */
  readonly warn: (message: string, error: unknown) => void;
}

export interface TagLister {
  listTags(options?: { signal?: AbortSignal }): AsyncIterable<string>;
  /** Whether there is a tag. @throws RegistryError unless the registry says yes or no */
  hasTag(tag: string, options?: { signal?: AbortSignal }): Promise<boolean>;
}

/** The mirror repository of a job, and where it is. */
export interface OpenMirror {
  region: string;
  destination: ImageDestination & Pick<ImageSource, 'manifest'>;
}

/** A mapping that a job has published. */
export interface PublishedByJob {
  mapping: MappingRecord;
  revision: number;
  /** The digest that was mapped before, if it was another one. */
  replaced?: Digest | undefined;
}

/** How a successful attempt ended. */
export type JobOutcome =
  | {
      state: Extract<JobState, 'committed' | 'satisfied' | 'superseded'>;
      changes: Partial<JobRecord>;
      /** Absent if the mapping stayed as it was. */
      published?: PublishedByJob | undefined;
    }
  /**
   * Layer jobs carry its large layers. The last one of them wakes the job; the job checks on them
   * at this time.
   */
  | { state: 'copying'; lookAgainAt: Date; changes: Partial<JobRecord> };
