import { BlobPool } from '../../core/copy/blob/blob-pool.ts';
import { onInterrupt } from '../shared/interruption.ts';
import type { CopyContext, ImagePair } from './context.ts';
import { repositoryCreator } from './create-repository.ts';
import { openDestination, openSource } from './endpoints.ts';
import { type CopyFlags, tagRule, type WrittenReference } from './flags.ts';
import { createOutput } from './output.ts';
import { runOne } from './run-one.ts';
import { runTags } from './run-tags.ts';
import { imagesAtOnce } from './side-by-side.ts';

export type { CopyReport, TagsReport } from './report.ts';

/**
 * `drayage copy`: one image, or the tags of a repository; or what that would do.
 *
 * @throws UsageError for options that do not go together; Error that says what failed, or what was
 *   committed where it is interrupted
 */
export async function runCopy(src: WrittenReference, dst: WrittenReference, flags: CopyFlags): Promise<void> {
  const rule = await tagRule(src, dst, flags);
  const interrupt = new AbortController();
  const { signal } = interrupt;
  await using upstream = openSource(src.reference, flags, signal);
  await using mirror = openDestination(dst.reference, flags, signal);
  const context: CopyContext = {
    upstream,
    mirror,
    flags,
    signal,
    pool: new BlobPool(),
    parallel: imagesAtOnce(flags.parallel, [upstream, mirror]),
    missingAt: new Set(),
    ...(flags.createRepository && { createRepository: repositoryCreator(dst.reference, signal) }),
  };
  const pair: ImagePair = { src: src.reference, dst: dst.reference };
  const output = createOutput(flags);
  const release = onInterrupt(() => interrupt.abort(new Error('interrupted')));
  try {
    if (rule === undefined) await runOne(pair, context, output, flags.dryRun);
    else await runTags(pair, rule, context, output, flags.dryRun);
  } finally {
    release();
  }
}
