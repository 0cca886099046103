import type { RepositoryRule } from '../../config/config.ts';
import { amountOf } from '../../copy/amount.ts';
import { indexedMounts } from '../../copy/blob/mount-sources.ts';
import { commitChildren } from '../../copy/commit.ts';
import { copyBlobs } from '../../copy/copy.ts';
import { imagePlatforms } from '../../copy/image-platforms.ts';
import { type CopyPlan, plan as planCopy } from '../../copy/plan.ts';
import {
  type Amount,
  type CallOptions,
  emptyTransfer,
  type ImageDestination,
  type ImageSource,
  type Transfer,
} from '../../copy/ports.ts';
import { copyReferrers } from '../../copy/referrers/copy-referrers.ts';
import { findReferrers } from '../../copy/referrers/find-referrers.ts';
import { type ReferrersSummary, summariseReferrers } from '../../copy/referrers/referrers.ts';
import { isDigestKey } from '../../mapping/record.ts';
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

/** An image on its way: where from, where to, by which rule. */
export interface ImageWork {
  job: JobRecord;
  root: Manifest;
  source: ImageSource;
  destination: ImageDestination;
  /** The destination's name in its registry. */
  repository: string;
  rule: RepositoryRule;
  /** Which resolve found it, and when. */
  resolved: Pick<FannedOut, 'sourceDigest' | 'event' | 'resolve' | 'observedAt'>;
}

/** What became of an image's blobs and of what belongs to it. */
export type CopiedImage =
  /** All is there but the root's tag. */
  | {
      kind: 'whole';
      plan: CopyPlan;
      transfer: Transfer;
      platforms: string[];
      referrers?: ReferrersSummary;
      foreign?: Amount;
      /** Notes in the layer index what the repository holds, once the tag is put. */
      note(): Promise<void>;
    }
  /** Its large layers were handed out to layer jobs; all other blobs are there. */
  | { kind: 'fanned-out'; fannedOut: FannedOut };

/**
 * Copies what the mirror lacks of an image, puts the manifests below the root, and copies what belongs to it: everything but the
 * root's tag.
 */
export async function copyImage(
  work: ImageWork,
  deps: CopyDependencies,
  signal: AbortSignal,
): Promise<CopiedImage> {
  const { job, root, source, destination, repository, rule } = work;
  // Who names a digest means this digest: no filter may make another one of it.
  const platforms = isDigestKey(job.key) ? undefined : rule.platforms?.map(parsePlatform);
  const plan = await planCopy(source, destination, root, { platforms, signal });
  const index = mountableLayers(deps.layerIndex, deps.config, job.key.registry);
  const mounts = await indexedMounts(index, repository, plan.blobs, deps.warn, { signal });
  const { fanOut } = deps;
  const layers =
    fanOut && !job.fannedOut
      ? await layersToHandOut(plan, { mounts, minBytes: fanOut.minBytes }, { signal })
      : [];
  const progress = await beginProgress(job, plan, deps);
  try {
    // Before the others travel, so that the layers travel meanwhile, and that what was resolved stands if this attempt ends.
    const handed = layers.length > 0 ? await handOutLayers(work, plan, layers, deps) : undefined;
    const { missing } = plan;
    const rest = missing.filter(({ digest }) => !layers.some((layer) => layer.digest === digest));
    // A failure to find is a result; what rejects is the end of the attempt, which the copy meets as well.
    const finding =
      rule.referrers && layers.length === 0 ? findBelongings(work, plan, { signal }) : undefined;
    finding?.catch(() => {});
    const { transfer, arrived, configs } = await copyBlobs(
      source,
      destination,
      { ...plan, missing: rest },
      { signal, mounts, timeLimit: deps.timeLimit, onEvent: progress.onEvent },
    );
    await progress.stop(true);
    if (handed) {
      const whole = withLayers(transfer, layers, handed.asked);
      return { kind: 'fanned-out', fannedOut: { ...handed.fannedOut, transfer: whole } };
    }
    await commitChildren(destination, plan, arrived, { signal });
    const referrers = finding && (await copyBelongings(work, plan, await finding, { signal }));
    return {
      kind: 'whole',
      plan,
      transfer: job.fannedOut?.transfer ?? transfer,
      platforms: await imagePlatforms(plan, configs, destination, { signal }),
      ...(referrers && { referrers }),
      ...(plan.foreign.length > 0 && { foreign: amountOf(plan.foreign) }),
      note: () => mounts.note(),
    };
  } catch (error) {
    await progress.stop(false);
    throw error;
  }
}

/** Records what the job goes on with when the layers are carried, then hands them out. @returns this, and for which it asked itself. */
async function handOutLayers(
  { job, repository, resolved }: ImageWork,
  plan: CopyPlan,
  layers: LayerBlob[],
  { jobs, now, fanOut }: Pick<CopyDependencies, 'jobs' | 'now' | 'fanOut'>,
): Promise<{ fannedOut: FannedOut; asked: LayerBlob[] }> {
  const { sourceDigest, event, resolve, observedAt } = resolved;
  // Until it is known better.
  const transfer = { ...emptyTransfer(), copied: amountOf(plan.missing), present: amountOf(plan.present) };
  const since = now().toISOString();
  const fannedOut: FannedOut = { sourceDigest, event, resolve, observedAt, since, layers, transfer };
  await jobs.update(job.id, { fannedOut });
  const handed = { job: job.id, repository, layers, missing: layers };
  return { fannedOut, asked: fanOut ? await handOut(handed, fanOut, now()) : [] };
}

/** Progress is added up: layer jobs add theirs. A job that goes on after them has its numbers already. */
async function beginProgress(
  job: JobRecord,
  { missing }: CopyPlan,
  { jobs, warn }: Pick<CopyDependencies, 'jobs' | 'warn'>,
) {
  const report = (error: unknown) => warn('a progress report could not be written', error);
  if (!job.fannedOut) {
    const { blobs: totalBlobs, bytes: totalBytes } = amountOf(missing);
    await jobs.update(job.id, { progress: { blobs: 0, totalBlobs, bytes: 0, totalBytes } }).catch(report);
  }
  return reportLayerProgress((more) => jobs.addProgress(job.id, more), report);
}

function findBelongings(
  { source }: ImageWork,
  { source: root, root: put, children }: CopyPlan,
  options: CallOptions,
) {
  const subjects = [root.digest, ...children.map(({ digest }) => digest)];
  return findReferrers(source, subjects, { ...options, withoutRoot: put.digest !== root.digest });
}

/** Before the tag moves, so that whoever finds the image finds its signatures, too. */
async function copyBelongings(
  { source, destination }: ImageWork,
  { root }: CopyPlan,
  found: Awaited<ReturnType<typeof findReferrers>>,
  options: CallOptions,
): Promise<ReferrersSummary> {
  // What refers to an image comes after it: whether Amazon ECR takes it before is not documented.
  if (found.referrers.length > 0) await destination.putManifest(root, root.digest, options);
  return summariseReferrers(await copyReferrers(source, destination, found, options));
}
