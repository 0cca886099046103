import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stage } from 'aws-cdk-lib';
import { type BundlingOptions, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';
import type { Construct } from 'constructs';
import type { Config } from '../core/config/config.ts';

/** The root of this package: where `lambda/` and the lock file are. */
export const packageRoot = join(import.meta.dirname, '..');

/** The file in every function's bundle, beside `index.mjs`, that holds the normalised configuration. */
export const configFileName = 'mirror.json';

/**
 * How the functions are bundled: one minified ESM file by the esbuild that is installed here (no container
 * engine), with everything in it, the AWS SDK too, so that what runs is what was tested, and `mirror.json`
 * beside it.
 *
 * @param scope any construct of the stack; the file is prepared in the output folder of its app
 * @param config the normalised configuration, put into the bundle as JSON
 */
export function bundleOptions(scope: Construct, config: Config): BundlingOptions {
  const prepared = prepareConfigFile(scope, config);
  return {
    format: OutputFormat.ESM,
    target: 'node24',
    mainFields: ['module', 'main'],
    externalModules: [],
    minify: true,
    // Error classes are told apart by name in logs and by the SDK's retry rules.
    keepNames: true,
    sourceMap: true,
    sourcesContent: false,
    // CommonJS dependencies inside an ESM bundle call `require` for Node's own modules.
    // https://github.com/evanw/esbuild/issues/1921
    banner: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);",
    commandHooks: {
      beforeBundling: () => [],
      beforeInstall: () => [],
      afterBundling: (_input, output) => [
        `cp ${shellQuoted(prepared)} ${shellQuoted(join(output, configFileName))}`,
      ],
    },
  };
}

function prepareConfigFile(scope: Construct, config: Config): string {
  const folder = Stage.of(scope)?.outdir;
  if (folder === undefined) throw new Error(`${scope.node.path}: the construct belongs to no CDK app`);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${scope.node.addr}.${configFileName}`);
  writeFileSync(file, `${JSON.stringify(config)}\n`);
  return file;
}

function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
