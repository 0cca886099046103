import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drayage } from '../support/drayage.ts';
import { writeMappingFile } from '../support/mapping-file.ts';
import { type Pipeline, startPipeline } from '../support/pipeline.ts';
import { startScriptedServer } from '../support/scripted-server.ts';
import { seededImage } from '../support/seeded-image.ts';

const imageOf = (seed: string) => seededImage({ seed, layers: [{ size: 3_000 }] });

describe('drayage lookup', () => {
  let pipeline: Pipeline;
  let folder: string;
  let file: string;
  const images = { nginx: imageOf('lookup nginx'), shop: imageOf('lookup shop') };
  beforeAll(async () => {
    pipeline = await startPipeline();
    folder = mkdtempSync(join(tmpdir(), 'drayage-lookup-'));
    file = join(folder, 'mapping.json');
    await writeMappingFile(pipeline, images, file);
  });
  afterAll(async () => {
    await pipeline[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const lookup = (...args: string[]) =>
    drayage(['lookup', ...args], { env: { ...process.env, DRAYAGE_API: pipeline.api, DRAYAGE_TOKEN: '' } });
  const mirrorOf = (path: string) => `${pipeline.stack.ready.registry}/mirror/${path}`;
  const shop = () => mirrorOf('ghcr.io/acme/shop:1.0');
  const nginx = () => mirrorOf('docker.io/library/nginx:1.27');
  /** The same questions are answered by the API, and by a file with the same mappings. */
  const sources = [
    ['the API', () => []],
    ['a file', () => ['--mapping', file, '--api', '']],
  ] as const;

  it.each(sources)(
    '%s: prints a reference for each image, in the order of the arguments',
    async (_, where) => {
      expect(await lookup('ghcr.io/acme/shop:1.0', ...where())).toEqual({
        code: 0,
        stdout: `${shop()}\n`,
        stderr: '',
      });
      const many = await lookup(
        'nginx:1.27',
        'ghcr.io/acme/shop:1.0',
        'docker.io/library/nginx:1.27',
        ...where(),
      );
      expect(many).toEqual({ code: 0, stdout: `${nginx()}\n${shop()}\n${nginx()}\n`, stderr: '' });
    },
  );

  it.each(sources)('%s: prints references by digest', async (_, where) => {
    const { digest } = images.shop.manifest;
    const pinned = `${mirrorOf('ghcr.io/acme/shop')}@${digest}\n`;
    expect(await lookup('ghcr.io/acme/shop:1.0', '--pinned', ...where())).toMatchObject({ stdout: pinned });
    expect(await lookup(`ghcr.io/acme/shop@${digest}`, ...where())).toMatchObject({ stdout: pinned });
    const both = `ghcr.io/acme/shop:other@${digest}`;
    expect(await lookup(both, ...where())).toMatchObject({ code: 0, stdout: pinned });
  });

  it.each(sources)('%s: prints the others before it fails for what is not mirrored', async (_, where) => {
    const args = ['ghcr.io/acme/lost:1', 'nginx:1.27', 'ghcr.io/acme/lost:2'];
    const { code, stdout, stderr } = await lookup(...args, ...where());
    expect({ code, stdout }).toEqual({ code: 3, stdout: `${nginx()}\n` });
    expect(stderr).toContain('drayage: not mirrored: ghcr.io/acme/lost:1, ghcr.io/acme/lost:2\n');
    expect(await lookup('ghcr.io/acme/lost:1', ...where())).toMatchObject({ code: 3, stdout: '' });
  });

  it.each(sources)('%s: answers for the region that is asked for', async (_, where) => {
    const here = await lookup('nginx:1.27', '--region', 'eu-west-1', ...where());
    expect(here).toMatchObject({ code: 0, stdout: `${nginx()}\n` });
    const elsewhere = await lookup('nginx:1.27', '--region', 'us-east-1', ...where());
    expect(elsewhere).toMatchObject({ code: 3, stdout: '', stderr: expect.stringContaining('--region') });
  });

  it.each(sources)('%s: gives programs the mappings, by the texts that were asked for', async (_, where) => {
    const { code, stdout } = await lookup('nginx:1.27', 'ghcr.io/acme/lost:1', '--json', ...where());
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toEqual({
      mappings: { 'nginx:1.27': await pipeline.mapping('nginx:1.27') },
      missing: ['ghcr.io/acme/lost:1'],
    });
  });

  it('prints a table', async () => {
    const { stdout } = await lookup('nginx:1.27', 'ghcr.io/acme/shop:1.0', '--long');
    const [heading, first] = stdout.split('\n');
    expect(heading).toMatch(/^IMAGE +MIRROR +DIGEST +SIZE +MIRRORED +PLATFORMS$/);
    expect(first).toMatch(
      /^docker\.io\/library\/nginx:1\.27 +\S+ +sha256:\w{64} +3\.\d+ kB +just now +linux\/amd64$/,
    );
  });

  it('asks for fewer at once where the answer would be too large', async () => {
    const tooLarge = {
      request: 'POST /v1/mappings/resolve',
      body: '{"images":["a:1","b:1","c:1"]}',
      answer: { status: 413, body: { error: { code: 'answer_too_large', message: 'too large' } } },
    };
    const mapping = (name: string) => ({ image: name, mirror: `m/${name}`, digest: 'd', pinned: 'p' });
    const half = (...names: string[]) => ({
      request: 'POST /v1/mappings/resolve',
      body: JSON.stringify({ images: names }),
      answer: {
        status: 200,
        body: {
          mappings: Object.fromEntries(names.map((name) => [name, mapping(name)])),
          missing: [],
          invalid: [],
        },
      },
    });
    const server = await startScriptedServer([tooLarge, half('a:1', 'b:1'), half('c:1')]);
    const { stdout } = await drayage(['lookup', 'a:1', 'b:1', 'c:1', '--api', server.origin]);
    expect(stdout).toBe('m/a:1\nm/b:1\nm/c:1\n');
  });

  it.each([
    ['no file', undefined, 'does not exist'],
    ['no JSON', '{', 'is not JSON'],
    ['another version', '{"version":2,"mappings":[]}', 'has version 2, and this drayage reads 1'],
    ['no list', '{"version":1}', 'has no list of mappings'],
    ['no references', '{"mappings":[{"image":"A B","mirror":"m","digest":"d"}]}', 'has no list of mappings'],
  ])('says what is wrong with a file: %s', async (name, content, message) => {
    const other = join(folder, name);
    if (content !== undefined) writeFileSync(other, content);
    const { code, stdout, stderr } = await lookup('nginx', '--mapping', other);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`drayage: --mapping ${other} ${message}`);
  });

  it('says what is wrong with its arguments', async () => {
    expect(await lookup('nginx', '--json', '--long')).toMatchObject({ code: 2 });
    expect(await lookup('UPPER/Case')).toMatchObject({ code: 2 });
    expect(await lookup()).toMatchObject({ code: 2 });
  });
});
