/**
 * Bundles the command (docs/decisions/0029): for the published package (build.ts), and for the
 * container image (image/).
 */
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { esbuildOptions } from './lib/function-bundle.ts';

const root = import.meta.dirname;

/**
 * Bundles `drayage` into `cli/` of a folder: one file for what every start needs, `main.js`, and
 * chunks that subcommands load. The same sources give the same files, wherever the folder is.
 *
 * @param dist where the bundle expects the other files of the package
 */
export async function bundleCommand(dist: string): Promise<void> {
  const outdir = join(dist, 'cli');
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
    plugins: [keepLocations(dist, outdir)],
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
function keepLocations(dist: string, outdir: string): Plugin {
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
