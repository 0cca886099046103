/**
 * `npm run build`: makes dist/, what the published package ships: JavaScript and types of the
 * modules that applications import and the local stack's threads run, a bundle of the command
 * (docs/decisions/0029), and one bundle a function, because Node strips no types under
 * node_modules.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleCommand } from './bundle-command.ts';
import { esbuildOptions, foldersBeside } from './lib/function-bundle.ts';

const root = import.meta.dirname;
const dist = join(root, 'dist');

rmSync(dist, { recursive: true, force: true });
const compiled = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', join(root, 'tsconfig.build.json')], {
  stdio: 'inherit',
});
if (compiled.status !== 0) process.exit(compiled.status ?? 1);

await bundleCommand(dist);

const functions = readdirSync(join(root, 'lambda'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'shared')
  .map((entry) => entry.name);
for (const name of functions) {
  await build({
    ...esbuildOptions,
    bundle: true,
    platform: 'node',
    absWorkingDir: root,
    entryPoints: [join('lambda', name, 'handler.ts')],
    outfile: join(dist, 'functions', name, 'index.mjs'),
    logLevel: 'warning',
  });
  const beside = foldersBeside[name];
  if (beside !== undefined)
    cpSync(join(root, beside), join(dist, 'functions', name, beside), { recursive: true });
}
process.stdout.write(
  `dist/ holds the modules, the command and ${functions.length} functions: ${functions.join(', ')}\n`,
);
