import { formatReference } from '../../core/oci/reference.ts';
import { sumOf } from '../copy/amount.ts';
import { type DryRunReport, totalsOf } from '../copy/dry-run.ts';
import type { CopyReport } from '../copy/report.ts';
import type { Outcome } from '../copy/side-by-side.ts';
import type { Ended } from './copy-images.ts';
import type { FoundImages, SyncImage } from './find-images.ts';
import type { NotFound } from './find-repositories.ts';
import type { SyncReport, SyncResult } from './report.ts';
import type { SyncTarget } from './target.ts';

/**
 * The report of a run: the images in the order of the configuration, then what could not be looked
 * at.
 */
export function reportOf(
  found: Reported,
  { outcomes }: Ended<CopyReport>,
  target: SyncTarget,
  durationMs: number,
): SyncReport {
  const results = resultsOf(found, outcomes, target, (report): Copied => {
    const { digest, sourceDigest, transfer, foreign, referrers } = report;
    return {
      outcome: 'copied',
      digest,
      sourceDigest,
      transfer,
      ...(foreign && { foreign }),
      ...(referrers && { referrers }),
      durationMs: report.durationMs,
    };
  });
  const transfers = results.flatMap((result) => (result.outcome === 'copied' ? [result.transfer] : []));
  return { ...summary(found, results, target), transfer: sumOf(transfers), durationMs };
}

/** The report of a dry run. */
export function planOf(
  found: Reported,
  { outcomes }: Ended<DryRunReport>,
  target: SyncTarget,
  durationMs: number,
): SyncReport {
  const results = resultsOf(found, outcomes, target, (report): Planned => {
    const { digest, destinationDigest, totals, foreign } = report;
    return {
      outcome: 'planned',
      digest,
      ...(destinationDigest !== undefined && { destinationDigest }),
      totals,
      ...(foreign && { foreign }),
    };
  });
  const blobs = [...outcomes.values()].flatMap((outcome) =>
    outcome.outcome === 'done' ? outcome.result.blobs : [],
  );
  // A blob that some repository lacks has to travel, whichever others have it: the last state of a
  // digest counts.
  const states = ['present', 'mountable', 'missing'] as const;
  const ordered = states.flatMap((state) => blobs.filter((blob) => blob.state === state));
  const planned = results.filter(({ outcome }) => outcome === 'planned').length;
  return {
    dryRun: true,
    ...summary(found, results, target),
    planned,
    totals: totalsOf(ordered),
    durationMs,
  };
}

/** What of the search is reported. */
type Reported = Omit<FoundImages, 'repositories'>;

type Copied = Omit<Extract<SyncResult, { outcome: 'copied' }>, 'image' | 'mirror'>;
type Planned = Omit<Extract<SyncResult, { outcome: 'planned' }>, 'image' | 'mirror'>;

function resultsOf<T>(
  { images, failures }: Reported,
  outcomes: ReadonlyMap<SyncImage, Outcome<T>>,
  target: SyncTarget,
  present: (result: T) => Copied | Planned,
): SyncResult[] {
  const results = images.flatMap((image): SyncResult[] => {
    const outcome = outcomes.get(image);
    if (outcome === undefined) return []; // interrupted before its turn came
    const names = { image: formatReference(image.src), mirror: formatReference(image.dst) };
    return [{ ...names, ...(outcome.outcome === 'done' ? present(outcome.result) : outcome) }];
  });
  return [...results, ...failures.map((failure) => failedLook(failure, target))];
}

function failedLook({ upstream, rule, repository, error }: NotFound, target: SyncTarget): SyncResult {
  const { registry } = upstream;
  if (repository === undefined) return { image: `${registry}/${rule.match}`, outcome: 'failed', error };
  const mirror = formatReference(target.repositoryFor(registry, repository));
  return { image: `${registry}/${repository}`, mirror, outcome: 'failed', error };
}

function summary({ notes }: Reported, images: SyncResult[], { registry, prefix }: SyncTarget) {
  const count = (outcome: SyncResult['outcome']) => images.filter((each) => each.outcome === outcome).length;
  return {
    to: `${registry}/${prefix}`,
    images,
    copied: count('copied'),
    equal: count('equal'),
    failed: count('failed'),
    skipped: count('skipped'),
    ...(notes.length > 0 && { notes }),
  };
}
