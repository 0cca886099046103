import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Parser, type ReadEntry } from 'tar';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildImage } from '../../cli/demo/image.ts';
import { buildLayer } from '../../cli/demo/layer.ts';
import { filesOf, textFile } from '../../cli/demo/layer-files.ts';
import { installedPackages } from '../../cli/demo/packages.ts';
import { digestOf } from '../../core/oci/digest.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'layer-test-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What a tar archive holds, as the tar package reads it. */
async function read(archive: Uint8Array): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  await new Promise<void>((resolve, reject) => {
    const parser = new Parser({
      strict: true,
      onReadEntry(entry: ReadEntry) {
        const chunks: Buffer[] = [];
        entry.on('data', (chunk: Buffer) => chunks.push(chunk));
        entry.on('end', () => {
          const content = Buffer.concat(chunks).toString();
          found[entry.path] = [entry.type, entry.mode?.toString(8), entry.linkpath || content];
        });
      },
    });
    parser.on('end', resolve).on('error', reject);
    parser.end(Buffer.from(archive));
  });
  return found;
}

describe('a layer', () => {
  it('holds files, directories, links and long paths, and other archivers can read it', async () => {
    const long = `${'directory-'.repeat(12)}/${'x'.repeat(120)}`;
    mkdirSync(join(folder, 'bin'));
    writeFileSync(join(folder, 'bin/run'), '#!/bin/sh\n');
    chmodSync(join(folder, 'bin/run'), 0o750);
    symlinkSync('run', join(folder, 'bin/start'));
    writeFileSync(join(folder, 'empty'), '');
    const layer = await buildLayer('app', 'a test', [
      ...filesOf(folder, 'opt/app'),
      textFile(long, 'far away'),
    ]);
    const archive = gunzipSync(layer.bytes);

    expect(await read(archive)).toEqual({
      [`${'directory-'.repeat(12)}/`]: ['Directory', '755', ''],
      [long]: ['File', '644', 'far away'],
      'opt/': ['Directory', '755', ''],
      'opt/app/': ['Directory', '755', ''],
      'opt/app/bin/': ['Directory', '755', ''],
      'opt/app/bin/run': ['File', '755', '#!/bin/sh\n'],
      'opt/app/bin/start': ['SymbolicLink', '777', 'run'],
      'opt/app/empty': ['File', '644', ''],
    });
    expect(layer).toMatchObject({ files: 4, unpackedBytes: archive.byteLength, diffId: digestOf(archive) });
    expect(layer.descriptor).toMatchObject({ digest: digestOf(layer.bytes), size: layer.bytes.byteLength });
  });

  it('is the same for the same files, whatever their times and their order', async () => {
    for (const name of ['b', 'a', 'c']) writeFileSync(join(folder, name), name);
    const first = await buildLayer('app', 'a test', filesOf(folder, 'app'));
    utimesSync(join(folder, 'a'), 1, 1);
    chmodSync(join(folder, 'b'), 0o600);
    const second = await buildLayer('app', 'a test', filesOf(folder, 'app').reverse());
    expect(second.descriptor.digest).toBe(first.descriptor.digest);
    writeFileSync(join(folder, 'a'), 'A');
    const third = await buildLayer('app', 'a test', filesOf(folder, 'app'));
    expect(third.descriptor.digest).not.toBe(first.descriptor.digest);
  });

  it('ends when it is interrupted', async () => {
    const building = buildLayer('app', 'a test', [textFile('a', 'a')], AbortSignal.abort());
    await expect(building).rejects.toThrow('aborted');
  });
});

describe('the image', () => {
  it("lists its layers' digests before compression, and differs between versions in the application and the config", async () => {
    const base = await buildLayer('base', 'a test', [textFile('etc/base', 'base')]);
    const [first, second] = await Promise.all([buildImage([base], '1.0'), buildImage([base], '2.0')]);
    const config = JSON.parse(Buffer.from(first.config.bytes).toString());
    expect(config.rootfs).toEqual({
      type: 'layers',
      diff_ids: first.layers.map(({ bytes }) => digestOf(gunzipSync(bytes))),
    });
    expect(first.manifest.layers.map(({ digest }) => digest)).toEqual(
      first.layers.map(({ bytes }) => digestOf(bytes)),
    );
    expect(first.manifest.config.digest).toBe(digestOf(first.config.bytes));
    expect(second.layers[0]).toBe(first.layers[0]);

    const files = await Promise.all(
      [first, second].map((built) => read(gunzipSync(built.layers[1]?.bytes ?? ''))),
    );
    const [before = {}, after = {}] = files;
    const changed = Object.keys(before).filter((path) => String(before[path]) !== String(after[path]));
    expect(changed).toEqual(['app/package.json']);
    expect(before['app/core/oci/digest.ts']).toEqual([
      'File',
      '644',
      readFileSync(new URL('../../core/oci/digest.ts', import.meta.url), 'utf8'),
    ]);
  });

  it('is not built without its packages', () => {
    expect(() => installedPackages(['no-such-package'], import.meta.filename)).toThrow(
      'the package no-such-package is not installed: run npm ci',
    );
    const found = installedPackages(['p-limit'], import.meta.filename);
    expect([...found.keys()]).toEqual(['p-limit', 'yocto-queue']);
  });
});
