import type { RepositoryRule } from '../../core/config/config.ts';
import { formatReference } from '../../core/oci/reference.ts';
import { isSignatureTag } from '../../core/oci/signature-tags.ts';
import { selectTags } from '../../core/policy/select-tags.ts';
import type { CopyContext, ImagePair } from './context.ts';
import { CopyFailure, explainFailure } from './explain.ts';
import type { TagRule } from './flags.ts';
import { type Done, failuresAlike, isOfRegistry, type Outcome, sideBySide } from './side-by-side.ts';

/** What became of one tag. */
export type TagOutcome<T> = { tag: string } & Outcome<T>;

/** What a rule selects of a repository's tags. */
export interface SelectedTags {
  /** In the registry's order. */
  tags: string[];
  /** How many other tags name signatures and the like, and are never copied as images. */
  signatureTags: number;
}

/**
 * The tags of the source's repository that a rule selects.
 *
 * @throws CopyFailure where they can't be listed, or none is left
 */
export async function listSelectedTags(
  { src }: ImagePair,
  rule: TagRule,
  { upstream, signal }: CopyContext,
): Promise<SelectedTags> {
  const tags: string[] = [];
  try {
    for await (const tag of upstream.listTags(src.repository, { signal })) tags.push(tag);
  } catch (error) {
    if (signal.aborted) throw new Error('interrupted; nothing was copied', { cause: error });
    throw new CopyFailure(explainFailure(error), error);
  }
  const whole: RepositoryRule = { match: src.repository, tags: rule, referrers: false, deleted: 'keep' };
  const selected = selectTags(whole, tags);
  if (selected.length > 0) return { tags: selected, signatureTags: tags.filter(isSignatureTag).length };
  const message = `${src.registry}/${src.repository} has ${tags.length} tags, and none of them is selected`;
  const remedy = 'check --include, --exclude, --semver and --latest; signature tags are never selected';
  throw new CopyFailure({ code: 'NO_TAGS', message, remedy }, undefined);
}

/** A tag's place on both sides. */
export interface TagPair extends ImagePair {
  tag: string;
}

/**
 * Does something with each tag, several side by side: what they share is carried once. A tag that
 * fails does not keep the others from their turn.
 *
 * @param told called with each outcome as it comes
 * @returns the outcomes in the order of the tags
 * @throws InterruptedError when the signal ends
 */
export async function eachTag<T>(
  tags: readonly string[],
  { src, dst }: ImagePair,
  { signal, parallel }: CopyContext,
  work: (pair: TagPair) => Promise<Done<T>>,
  told: (outcome: TagOutcome<T>, pair: TagPair) => void,
): Promise<TagOutcome<T>[]> {
  const pairs = tags.map((tag): TagPair => ({ tag, src: { ...src, tag }, dst: { ...dst, tag } }));
  const outcomes = await sideBySide<TagPair, T>(pairs, work, {
    parallel,
    signal,
    groupOf: () => ({ registry: '', repository: '' }),
    told: (outcome, pair) => told({ tag: pair.tag, ...outcome }, pair),
  });
  return outcomes.map((outcome, index) => ({ tag: tags[index] ?? '', ...outcome }));
}

/** The tags that failed and why, as one failure; undefined where none did. */
export function failedTags(outcomes: readonly TagOutcome<unknown>[], { src }: ImagePair): Error | undefined {
  const failed = outcomes.filter((outcome) => outcome.outcome === 'failed');
  if (failed.length === 0) return undefined;
  const skipped = outcomes.filter(({ outcome }) => outcome === 'skipped');
  const shown = new Map<string, number>();
  const lines = failed.flatMap(({ tag, error }) => {
    const { code, message, remedy } = error;
    const alike = (shown.get(code) ?? 0) + 1;
    shown.set(code, alike);
    if (isOfRegistry(code) && alike > failuresAlike) return [];
    return [`  ${tag}: ${message}${remedy === undefined ? '' : `\n    ${remedy}`}`];
  });
  if (lines.length < failed.length) lines.push(`  ${failed.length - lines.length} more failed alike.`);
  const rest =
    skipped.length === 0
      ? []
      : [
          `  The last ${failuresAlike} failed alike, so that ${skipped.length} were not tried: ${skipped[0]?.tag}, …`,
        ];
  const repository = formatReference({ registry: src.registry, repository: src.repository });
  return new Error(
    [`${failed.length} of ${outcomes.length} tags of ${repository} failed:`, ...lines, ...rest].join('\n'),
  );
}
