/** Why a file or folder can't be used, in words; undefined for a code that says nothing more than the error's own message. */
export function diskProblem(code: string | undefined): string | undefined {
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return `the disk is full (${code})`;
    case 'EFBIG':
      return `the file may not be larger (${code})`;
    case 'EROFS':
      return `the disk can only be read (${code})`;
    case 'EACCES':
    case 'EPERM':
      return `this user may not (${code})`;
    case 'EISDIR':
      return `it is a folder (${code})`;
    case 'ENOTDIR':
    case 'EEXIST':
      return `a file is in its place (${code})`;
    case 'ENOENT':
      return `the folder that it is in is not there (${code})`;
    default:
      return undefined;
  }
}
