import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { esbuildOptions } from '../../lib/function-bundle.ts';
import { ProcessFunction } from './process-function.ts';

/** The functions that take part, with the most instances and events of each. */
const limits = {
  webhook: { instances: 1, eventsPerInstance: 20 },
  mirror: { instances: 2, eventsPerInstance: 1 },
  layer: { instances: 1, eventsPerInstance: 1 },
  schedule: { instances: 1, eventsPerInstance: 1 },
  reconcile: { instances: 1, eventsPerInstance: 1 },
  'registry-events': { instances: 1, eventsPerInstance: 1 },
  retention: { instances: 1, eventsPerInstance: 1 },
};
export type FunctionName = keyof typeof limits;
export const functionNames = Object.keys(limits) as FunctionName[];

/** Functions as they are deployed, each one file. */
export interface Bundles extends Disposable {
  fileOf(name: FunctionName): string;
}

/** Bundles all functions, as for deployment, into a folder of their own. */
export async function bundleFunctions(): Promise<Bundles> {
  const folder = mkdtempSync(join(tmpdir(), 'drayage-chaos-'));
  await build({
    ...esbuildOptions,
    sourcemap: false,
    bundle: true,
    platform: 'node',
    absWorkingDir: join(import.meta.dirname, '../..'),
    entryPoints: functionNames.map((name) => ({ in: `lambda/${name}/handler.ts`, out: `${name}/index` })),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
  });
  return {
    fileOf: (name) => join(folder, name, 'index.mjs'),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export type ChaosFunctions = Record<FunctionName, ProcessFunction>;

export function createFunctions(
  bundles: Bundles,
  environment: Record<string, string>,
  log: (text: string) => void,
): ChaosFunctions {
  const make = (name: FunctionName) =>
    new ProcessFunction({ name, module: bundles.fileOf(name), environment, log, ...limits[name] });
  return Object.fromEntries(functionNames.map((name) => [name, make(name)])) as unknown as ChaosFunctions;
}
