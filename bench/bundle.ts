import { join } from 'node:path';
import { build } from 'esbuild';
import { esbuildOptions } from '../lib/function-bundle.ts';

/**
 * Bundles a module as functions are for deployment.
 *
 * @param entry its path in the repository
 * @returns the bundle, below the folder
 */
export async function bundle(entry: string, folder: string, name: string): Promise<string> {
  const outfile = join(folder, name, 'index.mjs');
  await build({
    ...esbuildOptions,
    bundle: true,
    platform: 'node',
    absWorkingDir: join(import.meta.dirname, '..'),
    entryPoints: [entry],
    outfile,
  });
  return outfile;
}
