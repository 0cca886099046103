import { dirname } from 'node:path';

/** What happened to a file, and what helps. */
export interface FileFailure {
  /** A clause: `permission denied (EACCES)`. */
  reason: string;
  /** Absent if only the reader can know. */
  remedy: string | undefined;
}

/** What the operating system's codes mean: https://man7.org/linux/man-pages/man3/errno.3.html */
const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOENT: 'no such file or folder',
  ENOTDIR: 'a part of the path is not a folder',
  EISDIR: 'it is a folder',
  EEXIST: 'a file with this name exists',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is exceeded',
  EFBIG: 'the file would be larger than this process may write',
  EROFS: 'the file system is read-only',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
  EIO: 'the disk has an error',
  ELOOP: 'too many symbolic links',
  ENAMETOOLONG: 'the name is too long',
};

/** Explains a failed access to a file; for any other error, gives the error's own message. */
export function fileFailure(error: unknown, path: string): FileFailure {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  const known = Object.hasOwn(reasons, code) ? reasons[code] : undefined;
  if (known === undefined)
    return { reason: error instanceof Error ? error.message : String(error), remedy: undefined };
  return { reason: `${known} (${code})`, remedy: remedyFor(code, path) };
}

function remedyFor(code: string, path: string): string | undefined {
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return `check owner and mode: ls -ld ${quoted(path)} ${quoted(dirname(path))}`;
    case 'ENOSPC':
      return `free some space, or use another disk: df -h ${quoted(dirname(path))}`;
    case 'EDQUOT':
      return 'free some space, or use another disk: quota';
    case 'EFBIG':
      return 'raise the limit for files: ulimit -f';
    case 'EROFS':
      return 'use a writable folder';
    case 'EMFILE':
    case 'ENFILE':
      return 'raise the limit for open files: ulimit -n';
    default:
      return undefined;
  }
}

/** A path as a shell takes it. */
function quoted(path: string): string {
  return /^[\w./@:=+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
