import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatImageKey, imageKey } from '../../core/mapping/record.ts';
import { formatReference, parseReference } from '../../core/oci/reference.ts';
import { drayage } from '../support/drayage.ts';
import { differsOnlyInMarks, plainText, shapes } from '../support/shapes/read-shapes.ts';

const images = [...new Set(shapes.flatMap((shape) => shape.images))];
const imagePaths = [...new Set(shapes.flatMap((shape) => shape.imagePaths))].flatMap((path) => [
  '--image-path',
  path,
]);

/** A mapping as the API exports it. */
function mappingOf(image: string) {
  const reference = parseReference(image);
  const { registry, repository, tag = 'latest' } = reference;
  const digest = reference.digest ?? `sha256:${createHash('sha256').update(image).digest('hex')}`;
  const place = `111122223333.dkr.ecr.eu-west-1.amazonaws.com/mirror/${registry.replace(':', '_')}/${repository}`;
  const [mirror, pinned] = [`${place}:${tag}`, `${place}@${digest}`];
  return { image: formatImageKey(imageKey(reference)), mirror, pinned, digest, sourceDigest: digest };
}

describe('files as charts and projects have them, on the command line', () => {
  let folder: string;
  let mapping: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'drayage-shapes-'));
    mapping = `${folder}.json`;
    writeFileSync(mapping, JSON.stringify({ version: 1, mappings: images.map(mappingOf) }));
    for (const shape of shapes) {
      mkdirSync(dirname(join(folder, shape.path)), { recursive: true });
      writeFileSync(join(folder, shape.path), plainText(shape));
    }
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
    rmSync(mapping);
  });
  const run = (...args: string[]) =>
    drayage([...args, ...imagePaths], {
      cwd: folder,
      env: { ...process.env, DRAYAGE_API: '', AWS_REGION: '' },
    });

  it('drayage discover covers exactly their images, and its file is valid', async () => {
    const { stdout, stderr, code } = await run('discover', '.', '--json');
    expect(code, stderr).toBe(0);
    const discovered = JSON.parse(stdout) as {
      config: string;
      images: { image: string }[];
      leftOut: string[];
    };
    const expected = new Set(images.map((image) => formatReference(parseReference(image))));
    expect(discovered.images.map(({ image }) => image).sort()).toEqual([...expected].sort());
    expect(discovered.leftOut).toEqual([]);
    writeFileSync(`${folder}.yaml`, discovered.config);
    try {
      const valid = await drayage(['validate', '--config', `${folder}.yaml`]);
      expect(valid).toMatchObject({ code: 0, stderr: '' });
      const checked = await run('discover', '.', '--check', `${folder}.yaml`);
      expect(checked.stdout).toContain(`covers ${expected.size} of ${expected.size} images (100 %)`);
      expect(checked.code).toBe(0);
    } finally {
      rmSync(`${folder}.yaml`);
    }
  });

  it('drayage rewrite changes all of them, and only their references', async () => {
    const { code, stdout, stderr } = await run('rewrite', '.', '--write', '--mapping', mapping);
    expect(code, stderr).toBe(0);
    expect(stderr).not.toContain('is not mirrored');
    expect(stdout.trim().split('\n').length).toBe(shapes.filter((shape) => shape.images.length > 0).length);
    for (const shape of shapes) {
      const text = readFileSync(join(folder, shape.path), 'utf8');
      expect(differsOnlyInMarks(shape, text), `${shape.path}\n${text}`).toBe(true);
      for (const image of shape.images) expect(text).toContain(mappingOf(image).digest);
    }
    expect((await run('rewrite', '.', '--diff', '--mapping', mapping)).stdout).toBe('');
  });
});
