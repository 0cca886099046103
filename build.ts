/**
 * `npm run build`: makes dist/, what the published package ships: JavaScript and types of the
 * modules that applications import and the local stack's threads run, a bundle of the command
 * (docs/decisions/0028), and one bundle a function, because Node strips no types under
 * node_modules.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { esbuildOptions } from './lib/function-bundle.ts';

const root = import.meta.dirname;
const dist = join(root, 'dist');

rmSync(dist, { recursive: true, force: true });
const compiled = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', join(root, 'tsconfig.build.json')], {
  stdio: 'inherit',
});
if (compiled.status !== 0) process.exit(compiled.status ?? 1);

await bundleCommand(join(dist, 'cli'));

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
}
process.stdout.write(
  `dist/ holds the modules, the command and ${functions.length} functions: ${functions.join(', ')}\n`,
);

/**
 * Bundles `drayage`: one file for what every start needs, and chunks that subcommands load. All of
 * them lie in one folder, `outdir`.
 */
async function bundleCommand(outdir: string): Promise<void> {
  const { format, mainFields } = esbuildOptions;
  await build({
    format,
    mainFields,
    // As for the functions, with a name that no module uses: here, identifiers stay.
    banner: {
      js: "import{createRequire as requireOf}from'node:module';const require=requireOf(import.meta.url);",
    },
    bundle: true,
    splitting: true,
    platform: 'node',
    // The oldest Node in `engines`.
    target: 'node22.19',
    // Names stay, unlike with full minification: error classes are reported by name.
    minifyWhitespace: true,
    minifySyntax: true,
    // The emulators are found at run time, as files.
    external: ['dynalite', 'fauxqs'],
    plugins: [keepLocations(outdir)],
    absWorkingDir: root,
    entryPoints: ['cli/main.ts'],
    outdir,
    logLevel: 'warning',
  });
}

/**
 * Our modules find files by their own location. Inside a bundle, `import.meta.url` stays what it
 * would be if the module were a file of its own in dist/.
 */
function keepLocations(outdir: string): Plugin {
  const own = /^(?:cli|core|lambda|local)\/.*\.ts$/;
  return {
    name: 'keep-locations',
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const file = relative(root, path);
        const text = readFileSync(path, 'utf8');
        if (!own.test(file) || !text.includes('import.meta.url')) return undefined;
        const place = relative(outdir, join(dist, file.replace(/ts$/, 'js')));
        const url = `new URL(${JSON.stringify(place)}, import.meta.url).href`;
        return { contents: text.replaceAll('import.meta.url', url), loader: 'ts', resolveDir: dirname(path) };
      });
    },
  };
}
