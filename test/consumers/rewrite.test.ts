import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Pipeline, startPipeline } from '../support/pipeline.ts';
import { seededImage } from '../support/seeded-image.ts';

const run = promisify(execFile);
const launcher = resolve(import.meta.dirname, '../../cli/drayage.js');

describe('drayage rewrite in kubectl kustomize', () => {
  let pipeline: Pipeline;
  let folder: string;
  const shop = seededImage({ seed: 'rewrite shop', layers: [{ size: 3_000 }] });
  beforeAll(async () => {
    pipeline = await startPipeline();
    await pipeline.mirror('acme/shop', '1.0', shop);
    folder = mkdtempSync(join(tmpdir(), 'drayage-kustomize-'));
    write(
      'a.yaml',
      'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - {name: a, image: "ghcr.io/acme/shop:1.0"}\n  ephemeralContainers:\n  - {name: b, image: ghcr.io/acme/shop:1.0}\n',
    );
  });
  afterAll(async () => {
    await pipeline[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const write = (path: string, text: string, mode = 0o644) => {
    const file = join(folder, path);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, text);
    chmodSync(file, mode);
  };
  const pinned = () => `${pipeline.stack.ready.registry}/mirror/ghcr.io/acme/shop@${shop.manifest.digest}`;
  const kustomize = async (...args: string[]) => {
    const env = { ...process.env, DRAYAGE_API: pipeline.api, KUSTOMIZE_PLUGIN_HOME: join(folder, 'plugins') };
    return (await run('kubectl', ['kustomize', ...args, folder], { env })).stdout;
  };

  it('is an exec plugin, with its configuration', async () => {
    write(
      'plugins/drayage.example/v1/rewrite/Rewrite',
      `#!/bin/sh\nexec '${process.execPath}' '${launcher}' rewrite --plugin-config "$1"\n`,
      0o755,
    );
    write(
      'rewrite.yaml',
      'apiVersion: drayage.example/v1\nkind: Rewrite\nmetadata: {name: rewrite}\nspec: {missing: fail}\n',
    );
    write('kustomization.yaml', 'resources: [a.yaml]\ntransformers: [rewrite.yaml]\n');
    const output = await kustomize('--enable-alpha-plugins');
    expect(output.match(/image: .*/g)).toEqual([`image: ${pinned()}`, `image: ${pinned()}`]);
  });

  it('changes the images of a kustomization, which kustomize then applies', async () => {
    write(
      'kustomization.yaml',
      'resources: [a.yaml]\nimages:\n- name: ghcr.io/acme/shop # the shop\n  newTag: "1.0"\n',
    );
    const env = { ...process.env, DRAYAGE_API: pipeline.api };
    const file = join(folder, 'kustomization.yaml');
    await run(process.execPath, [launcher, 'rewrite', file, '--write'], { env });
    // kustomize itself leaves ephemeral containers alone.
    expect((await kustomize()).match(/image: .*/g)).toEqual([
      `image: ${pinned()}`,
      'image: ghcr.io/acme/shop:1.0',
    ]);
  });
});
