import type { ReferrersSummary } from '../../core/copy/referrers/referrers.ts';
import { formatReference } from '../../core/oci/reference.ts';
import {
  eachTag,
  failedTags,
  listSelectedTags,
  type SelectedTags,
  type TagOutcome,
  type TagPair,
} from './all-tags.ts';
import { sumOf } from './amount.ts';
import type { CopyContext, ImagePair } from './context.ts';
import { copyIfDifferent } from './copy-pair.ts';
import { type DryRunReport, formatTotals, planIfDifferent, totalsOf } from './dry-run.ts';
import { explainFailure } from './explain.ts';
import type { TagRule } from './flags.ts';
import { missingReferrers } from './image-referrers.ts';
import { interruption } from './interruption.ts';
import type { CopyOutput } from './output.ts';
import {
  type CopyReport,
  foreignNote,
  formatTag,
  formatTags,
  signaturesNote,
  type TagResult,
  type TagsReport,
} from './report.ts';
import { InterruptedError } from './side-by-side.ts';

/**
 * Copies the tags that a rule selects, or tells what that would do.
 *
 * @throws Error with the tags that failed and why, when all had their turn
 */
export async function runTags(
  pair: ImagePair,
  rule: TagRule,
  context: CopyContext,
  output: CopyOutput,
  dry: boolean,
): Promise<void> {
  const selected = await listSelectedTags(pair, rule, context).catch((error: unknown) => {
    if (!context.signal.aborted)
      output.event({ event: 'failed', ...repositories(pair), error: explainFailure(error) });
    throw error;
  });
  const missing: string[] = [];
  const outcomes = dry
    ? await planTags(selected, pair, context, output)
    : await copyTags(selected, pair, context, output, missing);
  const failed = failedTags(outcomes, pair);
  if (missing.length > 0) missing.unshift('not all that refers to images was copied:');
  const lines = [...(failed ? [failed.message] : []), ...missing];
  if (lines.length > 0) throw new Error(lines.join('\n'));
}

async function copyTags(
  { tags, signatureTags }: SelectedTags,
  pair: ImagePair,
  context: CopyContext,
  output: CopyOutput,
  missing: string[],
): Promise<TagOutcome<CopyReport>[]> {
  const started = Date.now();
  const progress = output.overall('tag', tags.length);
  const ended = new Map<string, TagOutcome<CopyReport>>();
  const inOrder = () => tags.flatMap((tag) => ended.get(tag) ?? []);
  try {
    await eachTag<CopyReport>(
      tags,
      pair,
      context,
      (image) => copyIfDifferent(image, context, output.watcher(progress)),
      (outcome, image) => {
        ended.set(outcome.tag, outcome);
        for (const line of missingReferrers(referrersOf(outcome))) missing.push(`  ${outcome.tag}: ${line}`);
        progress.imageEnded();
        tellOutcome(outcome, image, output);
      },
    );
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error;
    const [done, total] = [ended.size, tags.length];
    const counts = { done, total, noun: 'tag', nameOf: ({ tag }: TagPair) => tag };
    throw new Error(interruption(error as InterruptedError<TagPair>, counts), { cause: error });
  } finally {
    progress.stop();
    const report = reportOf(pair, inOrder(), signatureTags, Date.now() - started);
    const { copied, equal, failed, skipped, durationMs } = report;
    output.event({ event: 'done', copied, equal, failed, skipped, durationMs });
    output.result(report, formatTags(report, context.flags.referrers));
  }
  return inOrder();
}

function referrersOf(outcome: TagOutcome<CopyReport>): ReferrersSummary | undefined {
  if (outcome.outcome === 'done') return outcome.result.referrers;
  return outcome.outcome === 'equal' ? outcome.referrers : undefined;
}

async function planTags(
  { tags, signatureTags }: SelectedTags,
  pair: ImagePair,
  context: CopyContext,
  output: CopyOutput,
): Promise<TagOutcome<DryRunReport>[]> {
  const outcomes = await eachTag(
    tags,
    pair,
    context,
    (image) => planIfDifferent(image, context),
    (outcome) =>
      output.text(
        outcome.outcome === 'done'
          ? `${outcome.tag}  ${outcome.result.digest}  ${formatTotals(outcome.result.totals)}${foreignNote(outcome.result)}\n`
          : formatTag(outcome),
      ),
  );
  const images = outcomes.flatMap((outcome) => (outcome.outcome === 'done' ? [outcome.result] : []));
  const totals = totalsOf(images.flatMap(({ blobs }) => blobs));
  const { source, destination } = repositories(pair);
  const report = {
    dryRun: true,
    source,
    destination,
    tags: outcomes.map((outcome) =>
      outcome.outcome === 'done' ? { tag: outcome.tag, outcome: 'planned', ...outcome.result } : outcome,
    ),
    ...(signatureTags > 0 && { signatureTags }),
    totals,
  };
  output.result(
    report,
    `${destination}: would transfer of ${images.length} of ${outcomes.length} tags, each blob once: ${formatTotals(totals)}; nothing was written\n${signaturesNote(signatureTags)}`,
  );
  return outcomes;
}

function tellOutcome(outcome: TagOutcome<CopyReport>, { src, dst }: ImagePair, output: CopyOutput): void {
  const names = { source: formatReference(src), destination: formatReference(dst) };
  if (outcome.outcome === 'done') {
    const { digest, transfer, foreign, referrers, durationMs } = outcome.result;
    const told = {
      digest,
      outcome: 'copied',
      transfer,
      ...(foreign && { foreign }),
      ...(referrers && { referrers }),
      durationMs,
    } as const;
    output.event({ event: 'image', ...names, ...told });
  } else if (outcome.outcome === 'equal') {
    const { digest, referrers } = outcome;
    output.event({ event: 'image', ...names, digest, outcome: 'equal', ...(referrers && { referrers }) });
  } else if (outcome.outcome === 'failed') {
    output.event({ event: 'failed', ...names, error: outcome.error });
  }
  output.text(formatTag(resultOf(outcome)));
}

function reportOf(
  pair: ImagePair,
  outcomes: TagOutcome<CopyReport>[],
  signatureTags: number,
  durationMs: number,
): TagsReport {
  const tags = outcomes.map(resultOf);
  const count = (outcome: TagResult['outcome']) => tags.filter((tag) => tag.outcome === outcome).length;
  return {
    ...repositories(pair),
    copied: count('copied'),
    equal: count('equal'),
    failed: count('failed'),
    skipped: count('skipped'),
    ...(signatureTags > 0 && { signatureTags }),
    tags,
    transfer: sumOf(tags.flatMap((tag) => (tag.outcome === 'copied' ? [tag.transfer] : []))),
    durationMs,
  };
}

function resultOf(outcome: TagOutcome<CopyReport>): TagResult {
  if (outcome.outcome !== 'done') return outcome;
  return { tag: outcome.tag, outcome: 'copied', ...outcome.result };
}

function repositories({ src, dst }: ImagePair): { source: string; destination: string } {
  const name = ({ registry, repository }: ImagePair['src']) => formatReference({ registry, repository });
  return { source: name(src), destination: name(dst) };
}
