import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drayage } from '../support/drayage.ts';
import { type Pipeline, startPipeline } from '../support/pipeline.ts';
import { seededImage } from '../support/seeded-image.ts';

const image = 'ghcr.io/acme/shop:1.0';
const version = (seed: string) => seededImage({ seed, layers: [{ size: 3_000 }] });

describe('drayage history, rollback, pin and unpin, on the embedded stack', () => {
  let pipeline: Pipeline;
  const [first, second, third] = ['one', 'two', 'three'].map(version) as [
    ReturnType<typeof version>,
    ReturnType<typeof version>,
    ReturnType<typeof version>,
  ];
  beforeAll(async () => {
    pipeline = await startPipeline();
  });
  afterAll(() => pipeline[Symbol.asyncDispose]());
  const run = (...args: string[]) =>
    drayage(args, { env: { ...process.env, DRAYAGE_API: pipeline.api, DRAYAGE_TOKEN: '' } });

  it('go back to an earlier image, stay there while others are pushed, and follow again', async () => {
    expect(await run('history', image)).toMatchObject({ code: 3 });
    await pipeline.mirror('acme/shop', '1.0', first);
    await pipeline.mirror('acme/shop', '1.0', second);
    const history = await run('history', image);
    expect(history.stdout.split('\n').map((line) => line.split(' ')[0])).toEqual([
      'DIGEST',
      second.manifest.digest,
      first.manifest.digest,
      '',
    ]);

    const prefix = first.manifest.digest.slice(0, 'sha256:'.length + 12);
    const back = await run('rollback', image, prefix);
    expect(back).toMatchObject({
      code: 0,
      stdout: `${image}  rolled back and pinned  ${first.manifest.digest}\n`,
    });
    expect(back.stderr).toContain(`  from  ${second.manifest.digest}, mirrored `);
    expect(await run('rollback', image, prefix)).toMatchObject({
      stdout: `${image}  was already pinned there  ${first.manifest.digest}\n`,
    });
    expect(await pipeline.stack.registry.tag('mirror/ghcr.io/acme/shop', '1.0')).toBe(first.manifest.digest);

    await pipeline.push('acme/shop', '1.0', third);
    expect(await run('mirror', image)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/superseded .*pinned/),
    });
    expect(await run('pin', image)).toMatchObject({
      stdout: `${image}  was already pinned  ${first.manifest.digest}\n`,
    });
    const unpinned = await run('unpin', image);
    expect(unpinned).toMatchObject({ code: 0, stdout: expect.stringContaining('follows its upstream') });
    expect(await pipeline.mapping(image)).toMatchObject({ digest: third.manifest.digest, pin: false });
    expect((await run('lookup', image, '--pinned')).stdout).toContain(`@${third.manifest.digest}`);
    expect(await run('pin', image)).toMatchObject({ stdout: `${image}  pinned  ${third.manifest.digest}\n` });
  });

  it('say what is not there', async () => {
    expect(await run('rollback', image, `sha256:${'0'.repeat(64)}`)).toMatchObject({ code: 3 });
    for (const kind of ['pin', 'unpin'])
      expect(await run(kind, 'ghcr.io/acme/none:1')).toMatchObject({ code: 3 });
  });
});
