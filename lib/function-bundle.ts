import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stage } from 'aws-cdk-lib';
import { type BundlingOptions, LogLevel, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';
import type { Construct } from 'constructs';
import type { Config } from '../core/config/config.ts';

/**
 * The folder that holds `lambda/` and, in the published package, `functions/`: the repository, or
 * `dist` in the package.
 */
export const packageRoot = join(import.meta.dirname, '..');

/**
 * The file in every function's bundle, beside `index.mjs`, that holds the normalised configuration.
 */
export const configFileName = 'mirror.json';

/** The folders that a function's bundle has beside `index.mjs`, by the function's name. */
export const foldersBeside: Readonly<Record<string, string>> = {
  // The files of the status page.
  api: 'web',
};

/**
 * The esbuild options for a function's bundle: one minified ESM file with everything in it,
 * including the AWS SDK, so that the code that runs is the code that was tested.
 */
export const esbuildOptions = {
  format: 'esm' as const,
  target: 'node24',
  mainFields: ['module', 'main'],
  minify: true,
  // Logs and the SDK's retry rules distinguish error classes by name.
  keepNames: true,
  sourcemap: true,
  sourcesContent: false,
  // Only what the functions use of undici: less than half of it.
  alias: { undici: join(packageRoot, 'lambda/shared/undici.js') },
  // undici leaves out its second HTTP parser, which is experimental and off, if it finds this.
  // https://github.com/nodejs/undici/blob/v8.12.4/lib/dispatcher/client-h1.js
  define: { esbuildDetection: 'true' },
  banner: {
    // CommonJS dependencies inside an ESM bundle call `require` for Node's own modules.
    // https://github.com/evanw/esbuild/issues/1921
    js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);",
  },
};

/**
 * How the CDK bundles a handler's source: with {@link esbuildOptions}, by the esbuild that is
 * installed here (no container engine), and with the configuration and other files beside it.
 *
 * @param scope any construct of the stack; the configuration file is prepared in the output folder
 *   of its app
 * @param name the function's name
 * @param config the normalised configuration
 */
export function bundleOptions(scope: Construct, name: string, config: Config): BundlingOptions {
  const prepared = join(outputFolder(scope), `${scope.node.addr}.${configFileName}`);
  writeConfig(prepared, config);
  const folder = foldersBeside[name];
  const { sourcemap, banner, format: _esm, alias, ...options } = esbuildOptions;
  return {
    ...options,
    format: OutputFormat.ESM,
    sourceMap: sourcemap,
    banner: banner.js,
    esbuildArgs: Object.fromEntries(Object.entries(alias).map(([from, to]) => [`--alias:${from}`, to])),
    externalModules: [],
    logLevel: LogLevel.WARNING,
    commandHooks: {
      beforeBundling: () => [],
      beforeInstall: () => [],
      afterBundling: (_input, output) => [
        `cp ${shellQuoted(prepared)} ${shellQuoted(join(output, configFileName))}`,
        ...(folder === undefined
          ? []
          : [`cp -R ${shellQuoted(join(packageRoot, folder))} ${shellQuoted(join(output, folder))}`]),
      ],
    },
  };
}

/**
 * The prebuilt bundle of a function, as in the published package, with the configuration beside it.
 *
 * @param scope a construct of the function's own; the folder is prepared in the output folder of
 *   its app
 * @param name the function's name
 * @param config the normalised configuration
 * @param root where `functions/` is
 * @returns the folder, or undefined if the function has to be bundled from its source
 */
export function prebuiltBundle(
  scope: Construct,
  name: string,
  config: Config,
  root = packageRoot,
): string | undefined {
  const built = join(root, 'functions', name);
  if (!existsSync(join(built, 'index.mjs'))) return undefined;
  const folder = join(outputFolder(scope), `${scope.node.addr}-${name}`);
  cpSync(built, folder, { recursive: true });
  writeConfig(join(folder, configFileName), config);
  return folder;
}

function outputFolder(scope: Construct): string {
  const folder = Stage.of(scope)?.outdir;
  if (folder === undefined) throw new Error(`${scope.node.path}: the construct belongs to no CDK app`);
  mkdirSync(folder, { recursive: true });
  return folder;
}

function writeConfig(file: string, config: Config): void {
  writeFileSync(file, `${JSON.stringify(config)}\n`);
}

function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
