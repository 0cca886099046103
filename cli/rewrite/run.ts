import { rewrite } from '../../core/rewrite/edits.ts';
import { findImages } from '../../core/rewrite/find-images.ts';
import type { Found } from '../../core/rewrite/found.ts';
import { type KnownImages, pointToMirror } from '../../core/rewrite/point-to-mirror.ts';
import { LineFinder } from '../../core/rewrite/position.ts';
import { CommandError } from '../shared/command-error.ts';
import { counted } from '../shared/format.ts';
import { replaceFile } from '../shared/replace-file.ts';
import { UsageError } from '../shared/usage-error.ts';
import { enqueueMissing } from './enqueue.ts';
import type { RewriteFlags } from './flags.ts';
import { lookUp } from './known-images.ts';
import { openFunction } from './krm.ts';
import { parseImagePath } from './parse-image-path.ts';
import { readPluginConfig } from './plugin-config.ts';
import { type Input, readInput } from './read-input.ts';
import { leftAloneLines, missingLines, type Report, type Rewritten, reportOf } from './report.ts';
import { unifiedDiff } from './unified-diff.ts';

/**
 * `drayage rewrite`
 *
 * @throws CommandError, UsageError
 */
export async function runRewrite(paths: readonly string[], given: RewriteFlags): Promise<void> {
  checkFlags(paths, given);
  const config = given.pluginConfig === undefined ? {} : readPluginConfig(given.pluginConfig);
  const inputs = await readInput(paths.length === 0 ? ['-'] : paths, given.as, tell);
  const asFunction = given.krm ? openFunction(inputs[0]?.text ?? '') : undefined;
  const flags: RewriteFlags = { ...config, ...asFunction?.settings, ...given };
  const imagePaths = (flags.imagePath ?? []).map(parseImagePath);
  if (isPrinted(flags)) checkOutput(inputs);

  const found = inputs.map((input) => findImages(input.text, input.kind, { imagePaths }));
  checkReadable(inputs, found);
  const images = new Set(found.flatMap((each) => each.images.map(({ image }) => image)));
  const known = images.size === 0 ? nothing : await lookUp([...images], flags);
  const all = inputs.map((input, index): Rewritten => {
    const { images: here, leftAlone } = found[index] as Found;
    return { input, pointed: pointToMirror({ images: here }, known, flags), leftAlone };
  });
  const report = reportOf(all);
  const isRefused = isIncomplete(report) && flags.missing === 'fail' && !flags.check;
  if (asFunction) process.stdout.write(asFunction.print(all, report, isRefused));
  else if (flags.check) printCheck(report, flags);
  else if (!isRefused) await printResult(all, report, flags);
  for (const line of [...(flags.check ? [] : missingLines(report)), ...leftAloneLines(report)]) tell(line);
  if (isRefused) tell('drayage: nothing was written, since not all images are mirrored (--missing fail)');
  if (isRefused || (flags.check && isIncomplete(report))) process.exitCode = 3;
  else if (flags.missing === 'enqueue' && !flags.check && report.missing.length > 0)
    await enqueue(
      report.missing.map(({ image }) => image),
      flags,
    );
}

const nothing: KnownImages = { mapping: () => undefined, isMirror: () => false };

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}

function checkFlags(paths: readonly string[], flags: RewriteFlags): void {
  const { check, diff, write, krm, json, mapping, missing, api } = flags;
  if ([check, diff, write, krm].filter(Boolean).length > 1)
    throw new UsageError('--check, --diff, --write and --krm each print something else: choose one');
  if (json && !check && !write)
    throw new UsageError('--json needs --check or --write: otherwise texts are printed');
  if (krm && paths.some((path) => path !== '-'))
    throw new UsageError('--krm reads the ResourceList from standard input: leave out the files');
  if (write && (paths.length === 0 || paths.includes('-')))
    throw new UsageError('--write changes files: name them');
  if (paths.filter((path) => path === '-').length > 1)
    throw new UsageError('standard input can be read once');
  if (missing === 'enqueue' && mapping !== undefined && !api)
    throw new UsageError('--missing enqueue asks the API to mirror images: give its address with --api');
}

function isPrinted({ check, diff, write, krm }: RewriteFlags): boolean {
  return !check && !diff && !write && !krm;
}

/** Several texts can be printed one after another only if they make one stream. */
function checkOutput(inputs: readonly Input[]): void {
  if (inputs.length < 2 || inputs.every(({ kind }) => kind === 'kubernetes')) return;
  throw new UsageError(
    'these files do not make one stream of manifests: choose --write, --diff or --check, or name one file',
  );
}

function checkReadable(inputs: readonly Input[], found: readonly Found[]): void {
  const problems = found.flatMap(({ unreadable }, index) => {
    const { name, text } = inputs[index] as Input;
    const lines = new LineFinder(text);
    return unreadable.map(({ start, message }) => {
      const { line, column } = lines.position(start);
      return `${name}:${line}:${column}: ${message}`;
    });
  });
  if (problems.length > 0) throw new CommandError(problems.join('\n'), 'nothing was written');
}

/** Whether any reference has no mapping; what is no reference has none, either. */
function isIncomplete({ missing, leftAlone }: Report): boolean {
  return missing.length > 0 || leftAlone.some(({ why }) => why === 'invalid');
}

function printCheck(report: Report, { json }: RewriteFlags): void {
  if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else
    process.stdout.write(
      missingLines(report)
        .map((line) => `${line}\n`)
        .join(''),
    );
}

async function printResult(all: readonly Rewritten[], report: Report, flags: RewriteFlags): Promise<void> {
  if (flags.diff)
    for (const { input, pointed } of all)
      process.stdout.write(unifiedDiff(input.name, input.text, pointed.edits));
  else if (flags.write) await writeFiles(all, report, flags);
  else
    for (const [index, { input, pointed }] of all.entries())
      process.stdout.write(
        separated(orPlaceholder(rewrite(input.text, pointed.edits)), index < all.length - 1, index > 0),
      );
}

/**
 * Helm 4 takes empty output for a failure, though a chart may render to nothing.
 * https://github.com/helm/helm/blob/main/pkg/postrenderer/postrenderer.go
 */
function orPlaceholder(text: string): string {
  return text.trim() === '' && process.env.HELM_PLUGIN_NAME !== undefined ? '# no manifests\n' : text;
}

/** A text of a stream that consists of several files. */
function separated(text: string, isFollowed: boolean, isPreceded: boolean): string {
  const begins = /^\uFEFF?(%|---(\s|$))/.test(text);
  const end = isFollowed && text !== '' && !text.endsWith('\n') ? '\n' : '';
  return `${isPreceded && !begins ? '---\n' : ''}${text}${end}`;
}

async function writeFiles(all: readonly Rewritten[], report: Report, { json }: RewriteFlags): Promise<void> {
  for (const { input, pointed } of all) {
    if (pointed.edits.length === 0 || input.path === undefined) continue;
    await replaceFile(input.path, rewrite(input.text, pointed.edits));
    if (!json) process.stdout.write(`${input.path}: ${counted(pointed.changed.length, 'reference')}\n`);
  }
  if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
}

async function enqueue(images: readonly string[], flags: RewriteFlags): Promise<void> {
  const { queued, refused } = await enqueueMissing(images, flags);
  for (const image of refused) tell(`${image} is not queued: no rule of mirror.yaml names it`);
  if (queued > 0) tell(`${counted(queued, 'image')} queued: drayage jobs --watch follows them`);
}
