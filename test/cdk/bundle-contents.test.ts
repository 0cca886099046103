import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { build, type Metafile } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { esbuildOptions } from '../../lib/function-bundle.ts';

const root = join(import.meta.dirname, '../..');
const names = readdirSync(join(root, 'lambda'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'shared')
  .map(({ name }) => name);

/** What a function calls. A client takes up to 100 kB of its bundle, and time at a cold start. */
const allowedClients: Readonly<Record<string, readonly string[]>> = {
  webhook: ['dynamodb', 'secrets-manager', 'sqs'],
  mirror: ['dynamodb', 'ecr', 'eventbridge', 'kms', 'secrets-manager', 'sqs', 'sts'],
  layer: ['dynamodb', 'ecr', 'eventbridge', 'secrets-manager', 'sqs', 'sts'],
  api: ['dynamodb', 'ecr', 's3', 'secrets-manager', 'sqs'],
  schedule: ['dynamodb', 'eventbridge', 'sqs'],
  reconcile: ['dynamodb', 'ecr', 'eventbridge', 'secrets-manager', 'sqs', 'sts'],
  retention: ['dynamodb', 'ecr', 'eventbridge'],
  'registry-events': ['dynamodb', 'ecr', 'eventbridge', 'sqs'],
  snapshot: ['dynamodb', 's3'],
  notify: ['secrets-manager', 'sqs'],
  'blob-mounting': ['ecr'],
};
/** The zip of a function has at most so many bytes: 1 MB, the source map included. */
const maxZipBytes = 2 ** 20;

interface Bundle {
  zipBytes: number;
  inputs: string[];
  /** What is evaluated when the function starts, not only when it is first used. */
  atStart: Set<string>;
}

const bundles = new Map<string, Bundle>();

beforeAll(async () => {
  for (const name of names) bundles.set(name, await bundleOf(name));
}, 60_000);

async function bundleOf(name: string): Promise<Bundle> {
  const entry = `lambda/${name}/handler.ts`;
  const { metafile, outputFiles } = await build({
    ...esbuildOptions,
    bundle: true,
    platform: 'node',
    absWorkingDir: root,
    entryPoints: [entry],
    outfile: join(root, 'dist/unwritten/index.mjs'),
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  const output = Object.values(metafile.outputs).find(({ entryPoint }) => entryPoint === entry);
  return {
    zipBytes: outputFiles.reduce(
      (sum, { contents }) => sum + deflateRawSync(contents, { level: 9 }).byteLength,
      0,
    ),
    inputs: Object.entries(output?.inputs ?? {}).flatMap(([file, { bytesInOutput }]) =>
      bytesInOutput > 0 ? [file] : [],
    ),
    atStart: loadedAtStart(metafile, entry),
  };
}

function loadedAtStart({ inputs }: Metafile, file: string, seen = new Set<string>()): Set<string> {
  seen.add(file);
  for (const { path, kind } of inputs[file]?.imports ?? [])
    if (kind !== 'dynamic-import' && !seen.has(path)) loadedAtStart({ inputs, outputs: {} }, path, seen);
  return seen;
}

function clientsOf(files: Iterable<string>): string[] {
  const clients = [...files].flatMap(
    (file) => /node_modules\/@aws-sdk\/client-([a-z0-9-]+)\//.exec(file)?.[1] ?? [],
  );
  return [...new Set(clients)].sort();
}

describe.each(names)('the %s function', (name) => {
  const bundle = () => bundles.get(name) as Bundle;

  it('has the clients of the services that it calls, and no others', () => {
    expect(clientsOf(bundle().inputs)).toEqual(allowedClients[name]);
  });

  it('is below 1 MB as a zip, the source map included', () => {
    expect(bundle().zipBytes).toBeGreaterThan(100_000);
    expect(bundle().zipBytes).toBeLessThan(maxZipBytes);
  });

  it('has of undici only the client, with one parser', () => {
    const parts = bundle().inputs.filter((file) => file.startsWith('node_modules/undici/'));
    const unused = /undici\/(index|lib\/(milo|mock|cache|interceptor|web\/(websocket|cache|eventsource))\/?)/;
    expect(parts.filter((file) => unused.test(file))).toEqual([]);
  });
});

describe("the mirror function's start", () => {
  it('does not evaluate what only rules with verify need', () => {
    const { inputs, atStart } = bundles.get('mirror') as Bundle;
    const verifies = /@sigstore\/|client-kms\/|^core\/verify\/verify-image\.ts$/;
    expect(inputs.some((file) => verifies.test(file))).toBe(true);
    expect([...atStart].filter((file) => verifies.test(file))).toEqual([]);
  });
});
