import type { Concurrency } from '../../core/async/concurrency.ts';
import type { BlobPool } from '../../core/copy/blob/blob-pool.ts';
import type { CopyPlan } from '../../core/copy/plan.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { parsePlatform } from '../../core/oci/platform.ts';
import { formatReference } from '../../core/oci/reference.ts';
import type { VerifyImage } from '../../core/verify/verdict.ts';
import { compareImage } from '../copy/compare-image.ts';
import type { CopyContext, CopyWatcher } from '../copy/context.ts';
import { copyPair } from '../copy/copy-pair.ts';
import { type DryRunReport, planIfDifferent } from '../copy/dry-run.ts';
import { interruption } from '../copy/interruption.ts';
import type { CopyOutput } from '../copy/output.ts';
import type { CopyReport } from '../copy/report.ts';
import { type Done, InterruptedError, type Outcome, sideBySide } from '../copy/side-by-side.ts';
import type { Explain } from './explain.ts';
import { clientOf, type SyncImage } from './find-images.ts';
import type { MappingNotes, SeenImage } from './mapping-notes.ts';
import { contentCheck, expectCheckable } from './requirements.ts';
import type { SyncTarget } from './target.ts';
import type { Upstreams } from './upstreams.ts';
import { verifyFirst } from './verify-first.ts';

/** What all images of a run share. */
export interface SyncRun {
  upstreams: Upstreams;
  target: SyncTarget;
  pool: BlobPool;
  parallel: Concurrency;
  missingAt: Set<string>;
  /** Whether upstreams without `credentials` are known to be open to everybody. */
  knowsLogins: boolean;
  explain: Explain;
  /** Verifies what a rule requires to be signed. */
  verifyImage: VerifyImage;
  output: CopyOutput;
  /** Absent: nobody wants to know where images are. */
  notes?: MappingNotes | undefined;
  /** Images that were copied, and why their mappings could not be written. */
  unnoted: Map<string, Error>;
  signal: AbortSignal;
}

/**
 * What became of the images that had their turn, and what is true where a signal ended the rest.
 */
export interface Ended<T> {
  outcomes: Map<SyncImage, Outcome<T>>;
  interrupted?: string;
}

/** Copies the images that differ, side by side. */
export function copyImages(images: readonly SyncImage[], run: SyncRun): Promise<Ended<CopyReport>> {
  return eachImage(images, run, (image, watcher) => copyImage(image, run, watcher));
}

/** Finds out what a copy would do. Whether what refers to images is missing is not looked at. */
export function planImages(images: readonly SyncImage[], run: SyncRun): Promise<Ended<DryRunReport>> {
  return eachImage(images, run, async (found) => {
    const context = contextOf(found, run);
    const { image } = await verifyFirst(found, context, run.verifyImage);
    return await planIfDifferent(image, { ...context, flags: { ...context.flags, referrers: false } });
  });
}

async function copyImage(found: SyncImage, run: SyncRun, watcher: CopyWatcher): Promise<Done<CopyReport>> {
  const { notes, signal } = run;
  const observedAt = new Date().toISOString();
  let plan: CopyPlan | undefined;
  const watching: CopyWatcher = {
    ...watcher,
    planned(pair, planned) {
      plan = planned;
      watcher.planned(pair, planned);
    },
  };
  const context = contextOf(found, run);
  const { image, verified } = await verifyFirst(found, context, run.verifyImage);
  const comparison = await compareImage(image, context);
  if (comparison.kind === 'equal') {
    const { digest, referrers } = comparison;
    await notes?.note(found, { digest, sourceDigest: digest, observedAt, referrers }, signal);
    return { outcome: 'equal', digest, ...(referrers && { referrers }) };
  }
  const { report, equal } = await copyPair(image, context, watching, comparison);
  const { referrers } = report;
  const [digest, sourceDigest] = [report.digest as Digest, report.sourceDigest as Digest];
  await noteOrReport(found, { digest, sourceDigest, observedAt, plan, referrers, verified }, run);
  if (!equal) return { outcome: 'done', result: report };
  return { outcome: 'equal', digest, ...(referrers && { referrers }) };
}

/** The image is there: that its mapping could not be read there does not fail it. */
async function noteOrReport(image: SyncImage, seen: SeenImage, run: SyncRun): Promise<void> {
  try {
    await run.notes?.note(image, seen, run.signal);
  } catch (error) {
    run.unnoted.set(
      formatReference(image.src),
      run.signal.aborted ? new Error('interrupted') : run.explain(error),
    );
  }
}

function contextOf(image: SyncImage, run: SyncRun): CopyContext {
  const { upstream, rule, dst } = image;
  const { upstreams, target, pool, parallel, missingAt, signal } = run;
  const createRepository = target.creatorOf(dst.repository);
  return {
    upstream: clientOf(upstreams, upstream),
    mirror: target.client,
    flags: { platform: rule.platforms?.map(parsePlatform) ?? [], referrers: rule.referrers },
    pool,
    parallel,
    missingAt,
    mayMountFrom: target.mayMountFor(upstream.registry, run.knowsLogins),
    ...(createRepository && { createRepository }),
    ...contentCheck(image, signal),
    signal,
  };
}

async function eachImage<T>(
  images: readonly SyncImage[],
  { parallel, signal, explain, output }: SyncRun,
  work: (image: SyncImage, watcher: CopyWatcher) => Promise<Done<T>>,
): Promise<Ended<T>> {
  const outcomes = new Map<SyncImage, Outcome<T>>();
  if (images.length === 0) return { outcomes };
  const progress = output.overall('image', images.length);
  try {
    await sideBySide<SyncImage, T>(
      images,
      async (image) => {
        try {
          expectCheckable(image);
          return await work(image, output.watcher(progress));
        } catch (error) {
          throw signal.aborted ? error : explain(error);
        }
      },
      {
        parallel,
        signal,
        groupOf: ({ src, dst }) => ({
          registry: `${src.registry} ${dst.registry}`,
          repository: `${src.registry}/${src.repository}`,
        }),
        told(outcome, image) {
          outcomes.set(image, outcome);
          progress.imageEnded();
        },
      },
    );
    return { outcomes };
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error;
    const counts = { done: outcomes.size, total: images.length, noun: 'image' };
    const nameOf = ({ src }: SyncImage) => formatReference(src);
    const interrupted = interruption(error as InterruptedError<SyncImage>, { ...counts, nameOf });
    return { outcomes, interrupted };
  } finally {
    progress.stop();
  }
}
