import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CopyReport } from '../../cli/copy/run.ts';
import { type EmbeddedRegistry, startRegistry } from '../../local/ecr/server.ts';
import { drayage } from '../support/drayage.ts';
import { pushImage, seededImage, seededIndex } from '../support/seeded-image.ts';

describe('drayage copy', () => {
  let from: EmbeddedRegistry;
  let to: EmbeddedRegistry;
  beforeAll(async () => {
    [from, to] = await Promise.all([
      startRegistry({ flavour: 'distribution' }),
      startRegistry({ flavour: 'distribution' }),
    ]);
  });
  afterAll(() => Promise.all([from.stop(), to.stop()]));

  const copy = async (...args: string[]) => {
    const result = await drayage(['copy', ...args, '--plain-http', '--json']);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    return JSON.parse(result.stdout) as CopyReport;
  };

  it('copies a single image, then finds it present', async () => {
    const image = seededImage({ seed: 'app', layers: [{ size: 100_000 }, { size: 500 }] });
    await pushImage(from.endpoint, 'app', '1', image);
    const first = await copy(`${from.host}/app:1`, `${to.host}/copies/app:1`);
    expect(first).toMatchObject({
      digest: image.manifest.digest,
      sourceDigest: image.manifest.digest,
      transfer: { copied: { blobs: 3 }, present: { blobs: 0 } },
    });
    expect(to.tag('copies/app', '1')).toBe(image.manifest.digest);
    const second = await copy(`${from.host}/app:1`, `${to.host}/copies/app:1`);
    expect(second.transfer).toMatchObject({ copied: { blobs: 0 }, present: { blobs: 3 } });
  });

  it('copies an index whole, or the requested platforms', async () => {
    const index = seededIndex({ seed: 'multi', layers: [{ size: 9_000 }] });
    await pushImage(from.endpoint, 'multi', '1', index);
    expect((await copy(`${from.host}/multi:1`, `${to.host}/multi:1`)).digest).toBe(index.manifest.digest);
    const one = await copy(`${from.host}/multi:1`, `${to.host}/one:1`, '--platform', 'linux/arm64');
    expect(one.sourceDigest).toBe(index.manifest.digest);
    expect(one.digest).not.toBe(index.manifest.digest);
    expect(one.transfer.copied.blobs).toBe(2);
  });

  it('mounts between repositories of one registry', async () => {
    const image = seededImage({ seed: 'mount', layers: [{ size: 70_000 }] });
    await pushImage(to.endpoint, 'origin', '1', image);
    const report = await copy(`${to.host}/origin:1`, `${to.host}/branch:1`);
    expect(report.transfer).toMatchObject({ mounted: { blobs: 2 }, copied: { blobs: 0 } });
  });

  it('says what fails and why, and how to call it', async () => {
    const missing = await drayage(['copy', `${from.host}/app:none`, `${to.host}/x:1`, '--plain-http']);
    expect(missing).toMatchObject({ code: 1, stdout: '' });
    expect(missing.stderr).toMatch(/source .*app:none.*MANIFEST_UNKNOWN/s);
    const platform = await drayage([
      'copy',
      `${from.host}/multi:1`,
      `${to.host}/x:1`,
      '--plain-http',
      '--platform',
      'linux/s390x',
    ]);
    expect(platform).toMatchObject({ code: 1, stderr: expect.stringContaining('linux/arm64') });
    expect((await drayage(['copy', 'Not A Reference', 'x'])).code).toBe(2);
    expect((await drayage(['copy', 'only-one'])).code).toBe(2);
    expect((await drayage(['copy', '--help'])).stdout).toContain('Example');
  });
});
