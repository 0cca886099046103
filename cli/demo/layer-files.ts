import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** One entry of a layer. */
export interface LayerFile {
  /** Within the image, without a slash at its beginning or end. */
  path: string;
  kind: 'File' | 'Directory' | 'SymbolicLink';
  /** Permissions without the type. */
  mode: number;
  /** A file's content, read on demand. */
  read?: () => Uint8Array;
  /** The target of a link. */
  target?: string;
}

/**
 * The owner may write and everybody may read, as in npm packages, whatever user and umask the build
 * runs with.
 */
const plainMode = 0o644;
const executableMode = 0o755;

/** A real file of this machine, with links followed. */
export function fileOf(source: string, path: string): LayerFile {
  const executable = (statSync(source).mode & 0o100) !== 0;
  return {
    path,
    kind: 'File',
    mode: executable ? executableMode : plainMode,
    read: () => readFileSync(source),
  };
}

/** A file that is written for the image. */
export function textFile(path: string, text: string): LayerFile {
  return { path, kind: 'File', mode: plainMode, read: () => Buffer.from(text) };
}

/** A real directory of this machine with everything in it; links stay links. */
export function filesOf(directory: string, path: string): LayerFile[] {
  const files: LayerFile[] = [{ path, kind: 'Directory', mode: executableMode }];
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const source = join(directory, entry.name);
    const inside = `${path}/${entry.name}`;
    if (entry.isDirectory()) files.push(...filesOf(source, inside));
    else if (entry.isFile()) files.push(fileOf(source, inside));
    else if (entry.isSymbolicLink()) {
      files.push({ path: inside, kind: 'SymbolicLink', mode: 0o777, target: readlinkSync(source) });
    }
  }
  return files;
}

/**
 * The files and their parent directories, each once, in an order that depends only on the paths:
 * parents first.
 */
export function inOrder(files: LayerFile[]): LayerFile[] {
  const byPath = new Map<string, LayerFile>();
  for (const file of files) {
    const parts = file.path.split('/');
    for (let depth = 1; depth < parts.length; depth++) {
      const path = parts.slice(0, depth).join('/');
      if (!byPath.has(path)) byPath.set(path, { path, kind: 'Directory', mode: executableMode });
    }
    byPath.set(file.path, file);
  }
  return [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}
