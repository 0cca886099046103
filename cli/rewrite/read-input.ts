import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileFailure } from '../../core/config/file-failure.ts';
import { type FileKind, kindOfFile, kindOfName, kindOfText } from '../../core/rewrite/kinds.ts';
import { CommandError } from '../shared/command-error.ts';
import { UsageError } from '../shared/usage-error.ts';

/** A text that may contain references. */
export interface Input {
  /** As messages name it: the path, or `stdin`. */
  name: string;
  /** Absent for standard input. */
  path?: string;
  text: string;
  kind: FileKind;
}

/** Folders that hold no manifests of the user’s own; hidden ones hold only workflows. */
const skipped = /^(node_modules|\.(?!github$|gitea$|forgejo$).*)$/;

/**
 * Reads files, folders with all that is below them, and standard input (`-`).
 *
 * @param as what kind all of them are; by default each by its name or content
 * @param note takes what is left out and why
 * @throws CommandError, UsageError
 */
export async function readInput(
  paths: readonly string[],
  as: FileKind | undefined,
  note: (line: string) => void,
): Promise<Input[]> {
  const inputs: Input[] = [];
  for (const path of paths) {
    if (path === '-') inputs.push(await readStdin(as));
    else if (await isFolder(path))
      for await (const file of filesBelow(path, note)) {
        const text = await readText(file);
        const kind = as ?? kindOfFile(file, text);
        if (kind !== undefined) inputs.push({ name: file, path: file, text, kind });
      }
    else inputs.push(fileInput(path, await readText(path), as));
  }
  return inputs;
}

/** @throws UsageError if nothing tells what the file is */
export function fileInput(path: string, text: string, as: FileKind | undefined): Input {
  const kind = as ?? kindOfFile(path, text);
  if (kind === undefined)
    throw new UsageError(`neither name nor content tells what ${path} is: say it with --as KIND`);
  return { name: path, path, text, kind };
}

async function readStdin(as: FileKind | undefined): Promise<Input> {
  if (process.stdin.isTTY) process.stderr.write('reading standard input: Ctrl-D ends it\n');
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return stdinInput(decode(Buffer.concat(chunks), 'stdin'), as);
}

/** Standard input has no name that could tell what it is. */
export function stdinInput(text: string, as: FileKind | undefined): Input {
  return { name: 'stdin', text, kind: as ?? kindOfText(text) ?? 'kubernetes' };
}

/** @throws CommandError if there is nothing at this path */
export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw unreadable(path, error);
  }
}

async function* filesBelow(folder: string, note: (line: string) => void): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw unreadable(folder, error);
  });
  const isChart = entries.some(({ name }) => name === 'Chart.yaml');
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (skipped.test(entry.name)) continue;
      if (isChart && entry.name === 'templates')
        note(
          `${path}: left out, since a chart’s templates are not YAML yet: helm template ${folder} | drayage rewrite`,
        );
      else yield* filesBelow(path, note);
    } else if (/\.(ya?ml|json)$/i.test(entry.name) || kindOfName(path) !== undefined) {
      if (entry.isFile() || (await stat(path)).isFile()) yield path;
    }
  }
}

async function readText(path: string): Promise<string> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  return decode(bytes, path);
}

/** Strictly: a byte that is not UTF-8 would not come out as it went in. */
export function decode(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new CommandError(`${name} is not UTF-8`, 'convert it: iconv -f ENCODING -t UTF-8 FILE');
  }
}

/** What to say of a file that can’t be read. */
export function unreadable(path: string, error: unknown): CommandError {
  const { reason, remedy } = fileFailure(error, path);
  return new CommandError(`${path} can’t be read: ${reason}`, remedy);
}
