import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { PlanReport } from '../../cli/plan/report.ts';
import { type EmbeddedRegistry, startRegistry } from '../../local/ecr/server.ts';
import { drayage } from '../support/drayage.ts';
import { pushImage, seededImage, seededIndex } from '../support/seeded-image.ts';

const base = { size: 400_000, seed: 'base' };
const imageOf = (seed: string) => seededImage({ seed, layers: [base, { size: 20_000 }] });
/** Bytes of an image's own blobs and manifest, without the base. */
const ownBytes = (seed: string) => {
  const { blobs, manifest } = imageOf(seed);
  const all = [...blobs.values()].reduce((sum, bytes) => sum + bytes.length, manifest.bytes.length);
  return all - base.size;
};

describe('drayage plan', () => {
  let from: EmbeddedRegistry;
  let to: EmbeddedRegistry;
  let folder: string;
  beforeEach(async () => {
    [from, to] = await Promise.all([
      startRegistry({ flavour: 'distribution' }),
      startRegistry({ flavour: 'distribution' }),
    ]);
    folder = mkdtempSync(join(tmpdir(), 'drayage-plan-'));
    for (const [repository, tag, seed] of [
      ['team/app', '1.0', 'one'],
      ['team/app', '1.1', 'two'],
      ['team/app', 'latest', 'two'],
      ['team/app', 'nightly', 'night'],
      ['team/web', '1.0', 'web'],
      ['other/app', '1.0', 'other'],
    ] as const)
      await pushImage(from.endpoint, repository, tag, imageOf(seed));
    configure([{ match: 'team/*', tags: { exclude: ['nightly'] } }]);
  });
  afterEach(async () => {
    await Promise.all([from.stop(), to.stop()]);
    rmSync(folder, { recursive: true, force: true });
  });

  const file = () => join(folder, 'mirror.yaml');
  const configure = (repositories: object[], mirror: object = {}) => {
    const upstream = { registry: from.host, endpoint: from.endpoint, repositories };
    const config = { version: 1, mirror: { regions: ['eu-west-1'], ...mirror }, upstreams: [upstream] };
    writeFileSync(file(), stringify(config));
  };
  const there = () => ['--config', file(), '--to', `${to.host}/copies`, '--dst-plain-http'];
  const plan = async (...args: string[]) => {
    from.clearRequests();
    to.clearRequests();
    const result = await drayage(['plan', ...args, '--json']);
    expect(result.stdout, result.stderr).not.toBe('');
    return { ...result, report: JSON.parse(result.stdout) as PlanReport };
  };
  const reads = (registry: EmbeddedRegistry) =>
    registry.requests.filter(({ method, path }) => method === 'GET' && path.includes('/manifests/'));

  it('counts tags and bytes of each repository, and each blob once', async () => {
    const { code, report, stderr } = await plan(...there());
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [app, web] = report.repositories;
    const appBytes = base.size + ownBytes('one') + ownBytes('two');
    expect(app).toEqual({
      repository: `${from.host}/team/app`,
      mirrorRepository: `copies/${from.host.replace(':', '_')}/team/app`,
      rule: 'team/*',
      tags: { listed: 4, selected: 3, equal: 0, changed: 0, missing: 3, failed: 0 },
      images: 2,
      sizeBytes: appBytes,
      presentBytes: 0,
      missingBytes: appBytes,
      monthlyUsd: (appBytes / 1e9) * 0.1,
    });
    expect(web).toMatchObject({ images: 1, sizeBytes: base.size + ownBytes('web') });
    const shared = appBytes + ownBytes('web');
    expect(report.totals).toMatchObject({
      tags: { selected: 4 },
      images: 3,
      sizeBytes: shared,
      missingBytes: shared,
      separate: { sizeBytes: shared + base.size },
    });
    // An image is read once, whatever points to it; a mirror without repositories is asked nothing.
    expect(report.requests).toEqual([{ registry: from.host, manifests: 3, heads: 4, others: 3 }]);
    expect(to.requests.every(({ path }) => path.endsWith('/tags/list'))).toBe(true);
    expect(from.requests.filter(({ path }) => path.includes('/other/'))).toEqual([]);
    expect([...from.requests, ...to.requests].filter(({ path }) => path.includes('/blobs/'))).toEqual([]);
  });

  it('finds what the mirror has, without reading that upstream, and writes nothing', async () => {
    expect((await drayage(['sync', ...there()])).code).toBe(0);
    const { report } = await plan(...there());
    expect(report.totals).toMatchObject({ tags: { selected: 4, equal: 4 }, missingBytes: 0 });
    expect(report.totals.presentBytes).toBe(
      base.size + ['one', 'two', 'web'].map(ownBytes).reduce((a, b) => a + b),
    );
    expect(reads(from)).toEqual([]);

    await pushImage(from.endpoint, 'team/app', '1.0', imageOf('changed'));
    await pushImage(from.endpoint, 'team/new', '1.0', imageOf('new'));
    const next = await plan(...there());
    const byName = new Map(next.report.repositories.map((each) => [each.repository.split('/').at(-1), each]));
    expect(byName.get('app')).toMatchObject({
      tags: { equal: 2, changed: 1, missing: 0 },
      missingBytes: ownBytes('changed'),
    });
    // The base would be mounted from the other repositories.
    expect(byName.get('new')).toMatchObject({ missingBytes: base.size + ownBytes('new') });
    expect(next.report.totals.missingBytes).toBe(ownBytes('changed') + ownBytes('new'));
    expect(reads(from)).toHaveLength(2);
    expect(to.requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([]);
    const text = await drayage(['plan', ...there()]);
    expect(text.stdout).toMatch(/^REPOSITORY +TAGS +NEW +CHANGED +SIZE +TO COPY +A MONTH$/m);
    expect(text.stdout).toMatch(/\/team\/app +3 of 4 +0 +1 +\d+ kB +21\.\d kB +<\$0\.01$/m);
    expect(text.stdout).toMatch(
      /copies has 4\d\d kB of it; 4\d\.\d kB would be copied\nstorage at .*: <\$0\.01 a month\n/,
    );
  });

  it('compares what a platform filter would make', async () => {
    const index = seededIndex({ seed: 'multi', layers: [{ size: 3_000 }] });
    await pushImage(from.endpoint, 'multi', '1', index);
    configure([{ match: 'multi', platforms: ['linux/arm64'] }]);
    const before = await plan(...there());
    expect(before.report.totals).toMatchObject({ tags: { missing: 1 }, presentBytes: 0 });
    expect((await drayage(['sync', ...there()])).code).toBe(0);
    const { report } = await plan(...there());
    expect(report.totals).toMatchObject({ tags: { equal: 1 }, missingBytes: 0 });
    expect(report.totals.sizeBytes).toBe(before.report.totals.sizeBytes);
    expect(reads(from)).toHaveLength(1);
  });

  it('counts the rest when an image can’t be read, and says which one', async () => {
    from.faults.add({
      match: { path: `/manifests/${imageOf('web').manifest.digest}` },
      action: { kind: 'status', status: 403 },
    });
    configure([{ match: 'team/*' }, { match: 'none' }]);
    const { code, report, stderr } = await plan(...there());
    expect(code).toBe(1);
    expect(report.repositories.map(({ tags }) => tags)).toMatchObject([
      { selected: 4, missing: 4 },
      { selected: 1, failed: 1 },
    ]);
    expect(
      report.failures.map(({ image, error }) => [image.replace(`${from.host}/`, ''), error.code]),
    ).toEqual([
      ['none', 'NAME_UNKNOWN'],
      ['team/web:1.0', 'DENIED'],
    ]);
    expect(stderr).toContain('not everything could be read; what is left out of the figures (2):');
  });

  it('needs no AWS account, and says what it does not know', async () => {
    const env = {
      AWS_ACCESS_KEY_ID: '',
      AWS_SECRET_ACCESS_KEY: '',
      AWS_PROFILE: '',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_CONFIG_FILE: join(folder, 'none'),
      AWS_SHARED_CREDENTIALS_FILE: join(folder, 'none'),
    };
    const { code, stdout } = await drayage(['plan', '--config', file()], { env: { ...process.env, ...env } });
    expect(code).toBe(0);
    expect(stdout).toContain(
      'note: which ECR registry to copy to is not known: there are no AWS credentials; so everything counts as missing.',
    );
    expect(stdout).toContain('there is no mirror to compare with: everything counts as missing');
  });
});
