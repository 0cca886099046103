import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../lib/function-bundle.ts';

const record = join(import.meta.dirname, 'previous-version');

/**
 * Unpacks the version before this one, which `previous-version` names by its commit, and lends it
 * the installed packages.
 *
 * @param folder where to; it is created
 * @returns the folder
 * @throws Error with the remedy if the commit is not in the history here
 */
export function previousVersion(folder: string): string {
  const commit = readFileSync(record, 'utf8').trim();
  if (!/^[0-9a-f]{40}$/.test(commit))
    throw new Error(`${record}: '${commit}' is not the id of a commit: write its 40 hexadecimal digits`);
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: packageRoot, maxBuffer: 256 * 1024 * 1024, stdio: 'pipe' });
  let archive: Buffer;
  try {
    git('cat-file', '-e', `${commit}^{commit}`);
    archive = git('archive', '--format=tar', commit);
  } catch (cause) {
    throw new Error(
      `the version before this one, ${commit} (test/deploy/previous-version), is not in the history here: run \`git fetch --unshallow\`, or check out with the whole history (\`fetch-depth: 0\`)`,
      { cause },
    );
  }
  mkdirSync(folder, { recursive: true });
  execFileSync('tar', ['-x', '-C', folder], { input: archive });
  symlinkSync(join(packageRoot, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}
