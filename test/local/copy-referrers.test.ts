import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EmbeddedRegistry, startRegistry } from '../../local/ecr/server.ts';
import { drayage } from '../support/drayage.ts';
import { pushImage, seededImage } from '../support/seeded-image.ts';

describe('drayage copy --referrers', () => {
  let from: EmbeddedRegistry;
  let to: EmbeddedRegistry;
  const image = seededImage({ seed: 'signed', layers: [{ size: 4_000 }] });
  const artifactType = 'application/vnd.example.sbom';
  const sbom = seededImage({ seed: 'sbom', layers: [{ size: 900 }], subject: image.manifest, artifactType });
  const signature = seededImage({ seed: 'signature', layers: [{ size: 300 }] });
  const signatureTag = `${image.manifest.digest.replace(':', '-')}.sig`;
  beforeAll(async () => {
    [from, to] = await Promise.all([
      startRegistry({ flavour: 'distribution' }),
      startRegistry({ flavour: 'distribution' }),
    ]);
    await pushImage(from.endpoint, 'app', '1', image);
    await pushImage(from.endpoint, 'app', sbom.manifest.digest, sbom);
    await pushImage(from.endpoint, 'app', signatureTag, signature);
  });
  afterAll(() => Promise.all([from.stop(), to.stop()]));

  const run = (repository: string, ...args: string[]) =>
    drayage(['copy', `${from.host}/app:1`, `${to.host}/${repository}:1`, '--plain-http', ...args]);

  it('copies what refers to the image, and leaves it out without the flag', async () => {
    const without = await run('without', '--json');
    expect(JSON.parse(without.stdout)).not.toHaveProperty('referrers');
    expect(to.hasManifest('without', sbom.manifest.digest)).toBe(false);
    const result = await run('with', '--referrers', '--json');
    expect(result, result.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(result.stdout).referrers).toEqual({ copied: 2, missing: [] });
    expect(to.hasManifest('with', sbom.manifest.digest)).toBe(true);
    expect(to.tag('with', signatureTag)).toBe(signature.manifest.digest);
  });

  it('copies them for an image that already exists, and for each tag', async () => {
    await run('later', '--json');
    const line = [
      'copy',
      `${from.host}/app`,
      `${to.host}/later`,
      '--all-tags',
      '--plain-http',
      '--referrers',
    ];
    const result = await drayage(line);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    expect(result.stdout).toMatch(/^1 {2}sha256:\w+ {2}equal already {2}referrers: 2 copied$/m);
    expect(to.tag('later', signatureTag)).toBe(signature.manifest.digest);
  });

  it('reports which could not be copied, although the image is there', async () => {
    const remove = to.faults.add({
      match: { method: 'PUT', path: `/manifests/${signatureTag}` },
      action: { kind: 'status', status: 403 },
    });
    const one = await run('partly', '--referrers');
    const line = ['copy', `${from.host}/app`, `${to.host}/partly-tags`, '--all-tags', '--plain-http'];
    const all = await drayage([...line, '--referrers', '--json']);
    remove();
    expect(one.code).toBe(1);
    expect(one.stdout).toContain('referrers: 1 copied, 1 missing');
    expect(one.stderr).toMatch(
      new RegExp(`partly:1 is there, not all .* the referrer ${signatureTag} was not copied: mirror`),
    );
    expect(to.tag('partly', '1')).toBe(image.manifest.digest);
    expect(all.code).toBe(1);
    expect(JSON.parse(all.stdout)).toMatchObject({ copied: 1, tags: [{ referrers: { copied: 1 } }] });
    expect(all.stderr).toContain(`  1: the referrer ${signatureTag} was not copied`);
  });

  it('is not planned', async () => {
    expect(await run('planned', '--referrers', '--dry-run')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('leave out --referrers'),
    });
  });
});
