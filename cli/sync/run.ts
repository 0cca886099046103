import { KmsKeys } from '../../core/aws/kms.ts';
import { BlobPool } from '../../core/copy/blob/blob-pool.ts';
import { formatReference, parseReference } from '../../core/oci/reference.ts';
import { ruleSelector } from '../../core/policy/select-image.ts';
import { imageVerifier } from '../../core/verify/verify-image.ts';
import { createOutput } from '../copy/output.ts';
import { imagesAtOnce } from '../copy/side-by-side.ts';
import { onInterrupt } from '../shared/interruption.ts';
import { readConfig } from '../shared/read-config.ts';
import { lineWidth } from '../terminal/wrap.ts';
import { copyImages, planImages, type SyncRun } from './copy-images.ts';
import { explainer } from './explain.ts';
import { type FoundImages, findImages } from './find-images.ts';
import type { SyncFlags } from './flags.ts';
import { readMappings, writeMappings } from './mapping-file.ts';
import { MappingNotes } from './mapping-notes.ts';
import { problemsOf } from './problems.ts';
import { formatSync, type SyncReport } from './report.ts';
import { planOf, reportOf } from './results.ts';
import { openTarget, type SyncTarget } from './target.ts';
import { openUpstreams, type Upstreams } from './upstreams.ts';

export type { SyncReport } from './report.ts';

/**
 * `drayage sync`: copies what the configuration names, or tells what that would do.
 *
 * @throws CommandError for files and settings that can't be used, before anything is copied; Error
 *   that says what failed, or what was done where it is interrupted
 */
export async function runSync(flags: SyncFlags): Promise<void> {
  const config = readConfig(flags.config);
  const before = flags.mapping === undefined ? undefined : readMappings(flags.mapping);
  const interrupt = new AbortController();
  const { signal } = interrupt;
  const release = onInterrupt(() => interrupt.abort(new Error('interrupted')));
  const upstreams = openUpstreams(config, flags, signal);
  let target: SyncTarget | undefined;
  try {
    target = await openTarget(config, flags, signal);
    const { client } = target;
    const explain = explainer({ secrets: flags.secrets !== undefined });
    const started = Date.now();
    const found = await findImages(config, upstreams, target, explain, signal);
    const run: SyncRun = {
      upstreams,
      target,
      pool: new BlobPool(),
      parallel: imagesAtOnce(flags.parallel, [client, ...upstreams.values()]),
      missingAt: new Set(),
      knowsLogins: flags.secrets !== undefined,
      unnoted: new Map(),
      explain,
      verifyImage: imageVerifier(new KmsKeys()),
      output: createOutput({ json: flags.json, events: false }),
      notes: before && new MappingNotes(target, before),
      signal,
    };
    await (flags.dryRun ? plan(found, run, flags, started) : copy(found, run, flags, started));
  } finally {
    release();
    await closeAll(upstreams, target);
  }
}

async function copy(found: FoundImages, run: SyncRun, flags: SyncFlags, started: number): Promise<void> {
  const ended = await copyImages(found.images, run);
  const report = reportOf(found, ended, run.target, Date.now() - started);
  try {
    if (flags.mapping !== undefined && run.notes)
      await writeMappings(flags.mapping, run.notes.all(staying(found)));
  } finally {
    conclude(report, run);
  }
  const unnoted = [...run.unnoted].map(
    ([image, error]) => `the entry of ${image} in ${flags.mapping} was not updated: ${error.message}`,
  );
  fail(report, flags, ended.interrupted, unnoted);
}

async function plan(found: FoundImages, run: SyncRun, flags: SyncFlags, started: number): Promise<void> {
  const ended = await planImages(found.images, run);
  const report = planOf(found, ended, run.target, Date.now() - started);
  conclude(report, run);
  fail(report, flags, ended.interrupted);
}

/**
 * The images that the configuration names, whatever became of them, and those that could not be
 * looked for.
 */
function staying({ images, failures }: FoundImages): (image: string) => boolean {
  const named = new Set(images.map(({ src }) => formatReference(src)));
  return (image) => {
    if (named.has(image)) return true;
    const { registry, repository } = parseReference(image);
    return failures
      .filter(({ upstream }) => upstream.registry === registry)
      .some(({ upstream, rule, repository: only }) =>
        only === undefined ? ruleSelector(upstream)(repository) === rule : only === repository,
      );
  };
}

function conclude(report: SyncReport, { output }: SyncRun): void {
  const { stdout } = process;
  const colours = stdout.isTTY && stdout.hasColors();
  output.result(report, formatSync(report, { width: lineWidth(stdout), colours }));
}

/** @throws Error unless all went well */
function fail(
  report: SyncReport,
  { json }: SyncFlags,
  interrupted: string | undefined,
  unnoted: readonly string[] = [],
): void {
  const lines = [
    ...(interrupted === undefined ? [] : [interrupted]),
    ...problemsOf(report, json),
    ...unnoted,
  ];
  if (lines.length > 0) throw new Error(lines.join('\n'));
}

async function closeAll(upstreams: Upstreams, target: SyncTarget | undefined): Promise<void> {
  await Promise.all([...upstreams.values(), ...(target ? [target.client] : [])].map((each) => each.close()));
}
