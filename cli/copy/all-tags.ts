import type { RepositoryRule } from '../../core/config/config.ts';
import type { ReferrersSummary } from '../../core/copy/referrers/referrers.ts';
import { formatReference } from '../../core/oci/reference.ts';
import { isSignatureTag } from '../../core/oci/signature-tags.ts';
import { selectTags } from '../../core/policy/select-tags.ts';
import { CopyFailure, explainFailure, type Failure } from './explain.ts';
import type { TagRule } from './flags.ts';
import { type CopyContext, equalDigest, type ImagePair } from './image.ts';

/** What the work on one tag came to: something was done, or it was equal already. */
export type Done<T> =
  | { outcome: 'done'; result: T }
  | { outcome: 'equal'; digest: string; referrers?: ReferrersSummary };

/** What became of one tag: besides, it may have failed, or not been tried. */
export type TagOutcome<T> =
  | ({ tag: string } & Done<T>)
  | { tag: string; outcome: 'failed'; error: Failure }
  | { tag: string; outcome: 'skipped' };

/** Tags whose digests are compared ahead of the one that is copied: two small requests each. */
const comparedAhead = 8;
/** So many tags in a row that fail alike, in a way that is not the tag's, say that the rest would, too. */
const failuresAlike = 3;
const registryFailures: ReadonlySet<string> = new Set([
  'UNAUTHORIZED',
  'DENIED',
  'TOOMANYREQUESTS',
  'CREDENTIALS_UNAVAILABLE',
  'CONNECTION',
  'TLS',
  'TIMEOUT',
  'UNAVAILABLE',
]);

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

/**
 * Does something with each tag that is not equal already, one after the other: images of a repository share layers, which the
 * next one then finds present. A tag that fails does not keep the others from their turn.
 *
 * @param told of each outcome as it comes
 * @throws Error when the signal ends
 */
export async function eachTag<T>(
  tags: readonly string[],
  { src, dst }: ImagePair,
  context: CopyContext,
  work: (pair: ImagePair, position: { tag: string; number: number; total: number }) => Promise<Done<T>>,
  told: (outcome: TagOutcome<T>, pair: ImagePair) => void,
): Promise<TagOutcome<T>[]> {
  const pairs = tags.map((tag): ImagePair => ({ src: { ...src, tag }, dst: { ...dst, tag } }));
  const compared: Promise<string | undefined>[] = [];
  const compare = (index: number) => {
    for (const pair of pairs.slice(compared.length, index + comparedAhead)) {
      const comparison = equalDigest(pair, context);
      comparison.catch(() => {}); // it is told when its turn comes
      compared.push(comparison);
    }
    return compared[index];
  };
  const outcomes: TagOutcome<T>[] = [];
  const alike: string[] = [];
  for (const [index, pair] of pairs.entries()) {
    const tag = tags[index] ?? '';
    let outcome: TagOutcome<T>;
    if (alike.length >= failuresAlike) outcome = { tag, outcome: 'skipped' };
    else {
      outcome = await attempt(
        tag,
        async () => {
          const digest = await compare(index);
          if (digest !== undefined) return { tag, outcome: 'equal', digest };
          return { tag, ...(await work(pair, { tag, number: index + 1, total: tags.length })) };
        },
        context.signal,
      );
      const code = outcome.outcome === 'failed' ? outcome.error.code : '';
      if (code !== alike[0]) alike.length = 0;
      if (registryFailures.has(code)) alike.push(code);
    }
    outcomes.push(outcome);
    told(outcome, pair);
  }
  return outcomes;
}

async function attempt<T>(
  tag: string,
  work: () => Promise<TagOutcome<T>>,
  signal: AbortSignal,
): Promise<TagOutcome<T>> {
  try {
    return await work();
  } catch (error) {
    if (signal.aborted) throw error;
    return { tag, outcome: 'failed', error: explainFailure(error) };
  }
}

/** The tags that failed and why, as one failure; undefined where none did. */
export function failedTags(outcomes: readonly TagOutcome<unknown>[], { src }: ImagePair): Error | undefined {
  const failed = outcomes.filter((outcome) => outcome.outcome === 'failed');
  if (failed.length === 0) return undefined;
  const skipped = outcomes.filter(({ outcome }) => outcome === 'skipped');
  const lines = failed.map(({ tag, error }) => {
    const { message, remedy } = error;
    return `  ${tag}: ${message}${remedy === undefined ? '' : `\n    ${remedy}`}`;
  });
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
