import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
/** Below node_modules, so that the packages are found, and what git ignores. */
const folder = join(root, 'node_modules/.cache/drayage-bench');

/** The command as the package ships it, once it is published. */
export const drayage = join(folder, 'cli/drayage.js');

/**
 * Builds the package and lays out what it ships: in the repository itself, the launcher runs the
 * source.
 *
 * @throws if the build fails
 */
export function publishForBench(): void {
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'build.ts')], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the build failed with ${status}:\n${stderr}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const part of ['package.json', 'cli/drayage.js', 'dist'])
    cpSync(join(root, part), join(folder, part), { recursive: true });
}
