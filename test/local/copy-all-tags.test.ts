import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TagsReport } from '../../cli/copy/run.ts';
import { type EmbeddedRegistry, startRegistry } from '../../local/ecr/server.ts';
import { drayage } from '../support/drayage.ts';
import { pushImage, type SeededImage, seededImage, seededIndex } from '../support/seeded-image.ts';

describe('drayage copy --all-tags', () => {
  let from: EmbeddedRegistry;
  let to: EmbeddedRegistry;
  const tags = ['1.0.0', '1.1.0', '1.2.0', '2.0.0', '2.0.0-rc.1', 'latest'];
  const images = new Map<string, SeededImage>();
  beforeAll(async () => {
    [from, to] = await Promise.all([
      startRegistry({ flavour: 'distribution' }),
      startRegistry({ flavour: 'distribution' }),
    ]);
    for (const tag of tags) {
      const layers = [{ size: 40_000, seed: 'base' }, { size: 3_000 }];
      const image = seededImage({ seed: `app ${tag}`, layers });
      images.set(tag, image);
      await pushImage(from.endpoint, 'app', tag, image);
    }
    const signature = seededImage({ seed: 'signature', layers: [{ size: 500 }] });
    await pushImage(from.endpoint, 'app', `sha256-${'0'.repeat(64)}.sig`, signature);
  });
  afterAll(() => Promise.all([from.stop(), to.stop()]));

  const run = (repository: string, ...args: string[]) =>
    drayage(['copy', '--all-tags', '--plain-http', ...args, `${from.host}/app`, `${to.host}/${repository}`]);
  const report = async (repository: string, ...args: string[]) => {
    const result = await run(repository, ...args, '--json');
    return { ...result, report: JSON.parse(result.stdout) as TagsReport };
  };

  it('copies every tag except those of signatures, a shared layer once, and reports which are equal the second time', async () => {
    const first = await report('all');
    expect(first, first.stderr).toMatchObject({ code: 0, stderr: '' });
    expect(to.tags('all')).toEqual([...tags].sort());
    for (const tag of tags) expect(to.tag('all', tag)).toBe(images.get(tag)?.manifest.digest);
    expect(first.report).toMatchObject({
      source: `${from.host}/app`,
      destination: `${to.host}/all`,
      copied: 6,
      equal: 0,
      failed: 0,
      signatureTags: 1,
      // One base, and each image's own layer and config.
      transfer: { copied: { blobs: 13 }, present: { blobs: 5 } },
    });
    from.clearRequests();
    to.clearRequests();
    const second = await report('all');
    expect(second.report).toMatchObject({ copied: 0, equal: 6, transfer: { copied: { blobs: 0 } } });
    expect(second.report.tags).toContainEqual({
      tag: '1.0.0',
      outcome: 'equal',
      digest: images.get('1.0.0')?.manifest.digest,
    });
    expect(to.requests.filter(({ method }) => method !== 'HEAD')).toEqual([]);
    const { stdout } = await run('all');
    expect(stdout).toMatch(/^1\.0\.0 {2}sha256:\w+ {2}equal already$/m);
    const leftOut = 'left out: 1 tag of signatures and the like; --referrers copies what belongs to an image';
    expect(stdout).toContain(leftOut);
    expect((await run('all', '--dry-run')).stdout).toContain(leftOut);
    expect((await run('all', '--referrers')).stdout).not.toContain('left out');
  });

  it.each([
    [
      ['--include', '1.*', '--include', 'latest', '--exclude', '1.1.*'],
      ['1.0.0', '1.2.0', 'latest'],
    ],
    [
      ['--semver', '>=1.1'],
      ['1.1.0', '1.2.0', '2.0.0'],
    ],
    [
      ['--latest', '2'],
      ['1.2.0', '2.0.0'],
    ],
    [
      ['--include', '*-rc.*', '--include', '*', '--semver', '2', '--latest', '5'],
      ['2.0.0', '2.0.0-rc.1'],
    ],
  ])('selects tags as mirror.yaml does: %j', async (filters, chosen) => {
    const repository = `chosen/${filters.join('').replace(/[^a-z0-9]/g, '')}`;
    expect(await run(repository, ...filters)).toMatchObject({ code: 0 });
    expect(to.tags(repository)).toEqual(chosen);
  });

  it('continues after a tag that fails, and reports it at the end', async () => {
    const remove = from.faults.add({
      match: { method: 'GET', path: '/app/manifests/1.1.0' },
      action: { kind: 'status', status: 400 },
    });
    const result = await run('partly');
    const json = await report('partly-json');
    remove();
    expect(result.code).toBe(1);
    expect(to.tags('partly')).toEqual(tags.filter((tag) => tag !== '1.1.0').sort());
    expect(result.stderr).toMatch(
      /drayage: 1 of 6 tags of .*\/app failed:\n {2}1\.1\.0: source .* answered 400/,
    );
    expect(result.stdout).toMatch(/^1\.1\.0 {2}failed$/m);
    expect(result.stdout).toMatch(/partly: 6 tags, 5 copied, 1 failed/);
    expect(json).toMatchObject({ code: 1, report: { copied: 5, failed: 1 } });
    expect(json.report.tags.find(({ tag }) => tag === '1.1.0')).toMatchObject({
      outcome: 'failed',
      error: { side: 'upstream', operation: 'get manifest', repository: 'app', reference: '1.1.0' },
    });
  });

  it('does not try the rest when three in a row fail because of the registry, and reports each of them once', async () => {
    const remove = to.faults.add({ match: { method: 'POST' }, action: { kind: 'status', status: 403 } });
    const { code, report: told, stderr } = await report('denied', '--parallel', '1');
    const together = await report('denied');
    remove();
    // Tags that are under way together fail together; the same failure is not reported six times.
    expect(together.report).toMatchObject({ copied: 0, failed: 6, skipped: 0 });
    expect(together.stderr.split('\n').filter((line) => line.includes('(DENIED)'))).toHaveLength(3);
    expect(together.stderr).toContain('3 more failed alike.');
    expect(code).toBe(1);
    expect(told).toMatchObject({ copied: 0, failed: 3, skipped: 3 });
    expect(stderr).toMatch(
      /start upload denied.*\(DENIED\), for blob sha256:\w{64}\n {4}check that the login/,
    );
    // Several uploads fail, or are cancelled by the first one that does: only its blob is named.
    const reasons = stderr.split('\n').filter((line) => line.includes('(DENIED)'));
    expect(reasons.map((line) => new Set(line.match(/sha256:\w{64}/g)).size)).toEqual([1, 1, 1]);
    expect(stderr).toContain('3 were not tried');
  });

  it('recognises equal tags after a platform filter', async () => {
    const index = seededIndex({ seed: 'multi', layers: [{ size: 9_000 }] });
    await pushImage(from.endpoint, 'multi', '1', index);
    const line = ['copy', `${from.host}/multi`, `${to.host}/multi`, '--all-tags', '--json', '--plain-http'];
    const filtered = [...line, '--platform', 'linux/arm64'];
    expect(JSON.parse((await drayage(filtered)).stdout)).toMatchObject({ copied: 1, equal: 0 });
    expect(JSON.parse((await drayage(filtered)).stdout)).toMatchObject({ copied: 0, equal: 1 });
    expect(JSON.parse((await drayage([...filtered, '--dry-run'])).stdout)).toMatchObject({
      tags: [{ tag: '1', outcome: 'equal' }],
    });
  });

  it('plans all of them, and writes nothing', async () => {
    to.clearRequests();
    const result = await run('planned', '--latest', '2', '--dry-run', '--json');
    expect(JSON.parse(result.stdout)).toMatchObject({
      dryRun: true,
      tags: [
        { tag: '1.2.0', outcome: 'planned' },
        { tag: '2.0.0', outcome: 'planned' },
      ],
      totals: { missing: { blobs: 5 }, present: { blobs: 0 } },
    });
    const text = await run('planned', '--latest', '2', '--dry-run');
    expect(text.stdout).toMatch(
      /would transfer of 2 of 2 tags, each blob once: missing 5 .*; nothing was written/,
    );
    expect(to.requests.filter(({ method }) => method !== 'HEAD' && method !== 'GET')).toEqual([]);
    expect(to.repositories()).not.toContain('planned');
  });

  it.each([
    [['--latest', '0'], 'write a whole number of at least 1'],
    [['--latest', '99999'], '--latest: 99999 is too large'],
    [['--semver', 'nonsense'], '--semver: "nonsense" is not a semver range'],
    [['--include', 'a b'], '--include: "a b" has " "'],
    [['--exclude', 'x', '--exclude', 'x'], '--exclude: "x" is in the list already'],
  ])('refuses %j', async (args, message) => {
    expect(await run('refused', ...args)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(message),
    });
  });

  it('refuses a tag beside it, and its filters without it', async () => {
    for (const [src, dst] of [
      [`${from.host}/app:1`, `${to.host}/app`],
      [`${from.host}/app`, `${to.host}/app@sha256:${'0'.repeat(64)}`],
    ] as const) {
      const refused = await drayage(['copy', src, dst, '--all-tags', '--plain-http']);
      expect(refused).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('leave the tag or digest out'),
      });
    }
    const filter = await drayage(['copy', `${from.host}/app:1`, `${to.host}/app:1`, '--latest', '2']);
    expect(filter).toMatchObject({ code: 2, stderr: expect.stringContaining('add --all-tags') });
  });

  it('fails if no tag is selected', async () => {
    const none = await run('none', '--include', 'nothing-*');
    expect(none).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/app has 7 tags, and none of them/),
    });
  });
});
