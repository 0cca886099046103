import type { RepositoryRule } from '../../config/config.ts';
import { amountOf } from '../../copy/amount.ts';
import type { PooledImage } from '../../copy/blob/blob-pool.ts';
import { type IndexedMounts, indexedMounts } from '../../copy/blob/mount-sources.ts';
import { type BlobHandling, copyImage } from '../../copy/copy-image.ts';
import { imagePlatforms } from '../../copy/image-platforms.ts';
import type { CopyPlan } from '../../copy/plan.ts';
import {
  type Amount,
  type CallOptions,
  emptyTransfer,
  type ImageDestination,
  type ImageSource,
  type Transfer,
} from '../../copy/ports.ts';
import { type ReferrersSummary, summariseReferrers } from '../../copy/referrers/referrers.ts';
import { type Evidence, isDigestKey } from '../../mapping/record.ts';
import type { Manifest } from '../../oci/manifest.ts';
import { parsePlatform } from '../../oci/platform.ts';
import type { MirrorJobDependencies } from '../dependencies.ts';
import { handOut, layersToHandOut, withLayers } from '../layers/hand-out.ts';
import { reportLayerProgress } from '../layers/layer-progress.ts';
import { mountableLayers } from '../mountable-layers.ts';
import type { FannedOut, JobRecord, LayerBlob } from '../record.ts';

type CopyDependencies = Pick<
  MirrorJobDependencies,
  'config' | 'jobs' | 'layerIndex' | 'fanOut' | 'timeLimit' | 'now' | 'warn'
>;

/** An image to copy: its source, its destination and its rule. */
export interface ImageWork {
  job: JobRecord;
  root: Manifest;
  source: ImageSource;
  destination: ImageDestination;
  /** The destination's name in its registry. */
  repository: string;
  rule: RepositoryRule;
  /** What was verified of it; absent: its rule requires nothing. */
  evidence: Evidence | undefined;
  /** Which resolve found it, and when. */
  resolved: Pick<FannedOut, 'sourceDigest' | 'event' | 'resolve' | 'observedAt'>;
  /** Rejects if the image must not be mirrored. Called before anything is put. */
  check?: (plan: CopyPlan) => Promise<void>;
}

/** The result of copying an image's blobs and what belongs to it. */
export type CopiedJobImage =
  /** Everything is there except the root's tag. */
  | {
      kind: 'whole';
      plan: CopyPlan;
      transfer: Transfer;
      platforms: string[];
      referrers?: ReferrersSummary;
      foreign?: Amount;
      /** Records in the layer index what the repository holds, once the tag is put. */
      note(): Promise<void>;
    }
  /** Its large layers were handed out to layer jobs; all other blobs are there. */
  | { kind: 'fanned-out'; fannedOut: FannedOut };

/**
 * Copies what the mirror lacks of a job's image: everything but the root's tag. Large layers are
 * handed out to layer jobs.
 */
export async function copyJobImage(
  work: ImageWork,
  deps: CopyDependencies,
  { pooled, signal }: CallOptions & { pooled?: PooledImage | undefined },
): Promise<CopiedJobImage> {
  const { job, root, source, destination, rule } = work;
  let handling: JobBlobs | undefined;
  const copied = await copyImage(
    { source, destination, root },
    {
      pooled,
      signal,
      // A request for a digest means this digest: no filter may turn it into another one.
      platforms: isDigestKey(job.key) ? undefined : rule.platforms?.map(parsePlatform),
      referrers: rule.referrers,
      timeLimit: deps.timeLimit,
      onPlanned: async (plan) => {
        await work.check?.(plan);
        handling = await beginBlobs(work, plan, deps, { signal });
        return handling;
      },
    },
  );
  const { plan } = copied;
  if (copied.kind === 'partial' && handling?.handed) {
    const { fannedOut, asked } = handling.handed;
    const transfer = withLayers(copied.transfer, fannedOut.layers, asked);
    return { kind: 'fanned-out', fannedOut: { ...fannedOut, transfer } };
  }
  if (copied.kind !== 'whole' || !handling)
    throw new Error(`the copy of ${root.digest} ended as ${copied.kind}`);
  const { mounts } = handling;
  return {
    kind: 'whole',
    plan,
    transfer: job.fannedOut?.transfer ?? copied.transfer,
    platforms: await imagePlatforms(plan, copied.configs, destination, { signal }),
    ...(copied.referrers && { referrers: summariseReferrers(copied.referrers) }),
    ...(plan.foreign.length > 0 && { foreign: amountOf(plan.foreign) }),
    note: () => mounts.note(),
  };
}

/** How the blobs of a job's image are handled. */
interface JobBlobs extends BlobHandling {
  mounts: IndexedMounts;
  /** The layers that were handed out. */
  handed?: { fannedOut: FannedOut; asked: LayerBlob[] };
}

/**
 * Finds out where blobs can be mounted from, hands large layers out, and begins to report progress.
 */
async function beginBlobs(
  work: ImageWork,
  plan: CopyPlan,
  deps: CopyDependencies,
  options: CallOptions,
): Promise<JobBlobs> {
  const { job, repository } = work;
  const index = mountableLayers(deps.layerIndex, deps.config, job.key.registry);
  const mounts = await indexedMounts({ index, repository, blobs: plan.blobs, warn: deps.warn }, options);
  const { fanOut } = deps;
  const layers =
    fanOut && !job.fannedOut
      ? await layersToHandOut(plan, { mounts, minBytes: fanOut.minBytes }, options)
      : [];
  const progress = await beginProgress(job, { ...plan, handsOut: layers.length > 0 }, deps);
  // Before the other blobs are copied: the layers are carried meanwhile, and the resolved image is
  // kept if this attempt ends.
  const handing = layers.length > 0 ? handOutLayers(work, plan, layers, deps) : undefined;
  const handed = await handing?.catch(async (error: unknown) => {
    await progress.stop(false);
    throw error;
  });
  return {
    mounts,
    onEvent: progress.onEvent,
    ended: (complete) => progress.stop(complete),
    ...(handed && { handed, elsewhere: layers }),
  };
}

/**
 * Records what the job continues with once the layers are carried, then hands them out.
 *
 * @returns the record, and the layers that this job queued itself.
 */
async function handOutLayers(
  { job, repository, resolved, evidence }: ImageWork,
  plan: CopyPlan,
  layers: LayerBlob[],
  { jobs, now, fanOut }: Pick<CopyDependencies, 'jobs' | 'now' | 'fanOut'>,
): Promise<{ fannedOut: FannedOut; asked: LayerBlob[] }> {
  const { sourceDigest, event, resolve, observedAt } = resolved;
  // An estimate, until more is known.
  const transfer = { ...emptyTransfer(), copied: amountOf(plan.missing), present: amountOf(plan.present) };
  const since = now().toISOString();
  const found = { sourceDigest, event, resolve, observedAt, ...(evidence && { evidence }) };
  const fannedOut: FannedOut = { ...found, since, layers, transfer };
  await jobs.update(job.id, { fannedOut });
  const handed = { job: job.id, repository, layers, missing: layers };
  return { fannedOut, asked: fanOut ? await handOut(handed, fanOut, now()) : [] };
}

/**
 * Progress is added up: layer jobs add theirs. A job that continues after them already has its
 * numbers.
 */
async function beginProgress(
  job: JobRecord,
  { missing, handsOut }: Pick<CopyPlan, 'missing'> & { handsOut: boolean },
  { jobs, warn }: Pick<CopyDependencies, 'jobs' | 'warn'>,
) {
  const report = (error: unknown) => warn('a progress report could not be written', error);
  const { blobs: totalBlobs, bytes: totalBytes } = amountOf(missing);
  const totals = { blobs: 0, totalBlobs, bytes: 0, totalBytes };
  const begun = job.fannedOut ? undefined : jobs.update(job.id, { progress: totals }).catch(report);
  // Layer jobs add to it at once; otherwise the blobs need not wait.
  if (handsOut) await begun;
  const reporter = reportLayerProgress(async (more) => {
    await begun;
    await jobs.addProgress(job.id, more);
  }, report);
  return {
    onEvent: reporter.onEvent,
    stop: async (carried: boolean) => {
      await begun;
      await reporter.stop(carried);
    },
  };
}
