import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { SyncReport } from '../../cli/sync/run.ts';
import type { Mapping } from '../../core/mapping/record.ts';
import { type EmbeddedRegistry, startRegistry } from '../../local/ecr/server.ts';
import { drayage, startDrayage } from '../support/drayage.ts';
import { pushImage, seededImage, seededIndex } from '../support/seeded-image.ts';
import { KeySigner } from '../support/signing/key-signer.ts';

describe('drayage sync', () => {
  let from: EmbeddedRegistry;
  let to: EmbeddedRegistry;
  let folder: string;
  beforeEach(async () => {
    [from, to] = await Promise.all([
      startRegistry({ flavour: 'distribution' }),
      startRegistry({ flavour: 'distribution' }),
    ]);
    folder = mkdtempSync(join(tmpdir(), 'drayage-sync-'));
  });
  afterEach(async () => {
    await Promise.all([from.stop(), to.stop()]);
    rmSync(folder, { recursive: true, force: true });
  });

  const base = { size: 40_000, seed: 'base' };
  const imageOf = (seed: string) => seededImage({ seed, layers: [base, { size: 2_000 }] });
  const push = async (repository: string, tag: string, image = imageOf(`${repository}:${tag}`)) => {
    await pushImage(from.endpoint, repository, tag, image as Parameters<typeof pushImage>[3]);
    return image.manifest.digest;
  };
  const mirrored = (repository: string) => `copies/${from.host.replace(':', '_')}/${repository}`;
  const file = (name: string) => join(folder, name);
  /** Writes a configuration whose upstream is the registry with the images. */
  const configure = (repositories: object[], more: object = {}) => {
    const upstream = { registry: from.host, endpoint: from.endpoint, repositories };
    const config = { version: 1, mirror: { regions: ['eu-west-1'] }, ...more, upstreams: [upstream] };
    writeFileSync(file('mirror.yaml'), stringify(config));
  };
  const line = (...args: string[]) => [
    ...['sync', '--config', file('mirror.yaml'), '--to', `${to.host}/copies`, '--dst-plain-http'],
    ...args,
  ];
  const sync = async (...args: string[]) => {
    const result = await drayage(line(...args, '--json'));
    expect(result.stdout, result.stderr).not.toBe('');
    return { ...result, report: JSON.parse(result.stdout) as SyncReport };
  };
  const outcomes = ({ images }: SyncReport) =>
    Object.fromEntries(images.map(({ image, outcome }) => [image.replace(`${from.host}/`, ''), outcome]));
  const mappings = () =>
    (JSON.parse(readFileSync(file('map.json'), 'utf8')) as { mappings: Mapping[] }).mappings;

  it('copies only images that meet what their rule requires, and says what a dry run would refuse', async () => {
    const labelled = seededImage({ seed: 'labelled', layers: [base], labels: { vendor: 'Acme' } });
    await push('team/app', 'good', labelled);
    await push('team/app', 'bad');
    await push('team/aged', '1');
    configure([
      { match: 'team/app', require: { labels: { vendor: 'Acme' }, platforms: ['linux/amd64'] } },
      { match: 'team/aged', require: { age: '24h' } },
    ]);
    for (const flags of [['--dry-run'], []]) {
      const { report, code } = await sync(...flags);
      expect(code).toBe(1);
      const errors = report.images.flatMap((image) =>
        'error' in image ? [[image.image.replace(`${from.host}/`, ''), image.error.code]] : [],
      );
      expect(errors.toSorted()).toEqual([
        ['team/aged:1', 'REQUIREMENT_UNAVAILABLE'],
        ['team/app:bad', 'label_mismatch'],
      ]);
    }
    expect(to.tags(mirrored('team/app'))).toEqual(['good']);
    expect(to.repositories()).toEqual([mirrored('team/app')]);
  });

  it('copies what names and patterns select, by the first rule that matches', async () => {
    for (const [repository, tag] of [
      ['team/app', '1.0'],
      ['team/app', '2.0'],
      ['team/app', 'nightly'],
      ['team/db', '1.0'],
      ['team/db', 'nightly'],
      ['other/app', '1.0'],
      ['single', '1.0'],
    ] as const)
      await push(repository, tag);
    configure([
      { match: 'team/app', tags: { semver: '>=1', latest: 1 } },
      { match: 'team/*', tags: { exclude: ['nightly'] } },
      { match: 'single' },
      { match: 'none/**' },
    ]);
    from.clearRequests();
    const { code, report, stderr } = await sync();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(outcomes(report)).toEqual({
      'team/app:2.0': 'copied',
      'team/db:1.0': 'copied',
      'single:1.0': 'copied',
    });
    expect(report).toMatchObject({ to: `${to.host}/copies`, copied: 3, equal: 0, failed: 0, skipped: 0 });
    expect(report.notes).toEqual([`${from.host} lists no repository for none/**`]);
    expect(to.repositories()).toEqual(['single', 'team/app', 'team/db'].map(mirrored));
    expect(to.tags(mirrored('team/app'))).toEqual(['2.0']);
    const db = report.images.find(({ image }) => image.endsWith('team/db:1.0'));
    expect(db).toEqual({
      image: `${from.host}/team/db:1.0`,
      mirror: `${to.host}/${mirrored('team/db')}:1.0`,
      outcome: 'copied',
      digest: to.tag(mirrored('team/db'), '1.0'),
      sourceDigest: to.tag(mirrored('team/db'), '1.0'),
      transfer: expect.anything(),
      referrers: { copied: 0, missing: [] },
      durationMs: expect.any(Number),
    });
    // Nobody requested what no rule names.
    expect(from.requests.filter(({ path }) => path.includes('/other/'))).toEqual([]);
  });

  it('requests no list of repositories if all rules are names, and copies a shared base once', async () => {
    for (const name of ['a', 'b', 'c']) await push(name, '1');
    configure(['a', 'b', 'c'].map((match) => ({ match, referrers: false })));
    from.clearRequests();
    const { report } = await sync();
    expect(from.requests.filter(({ path }) => path === '/v2/_catalog')).toEqual([]);
    // Each image has its own layer and config; the base is copied once, and mounted twice.
    expect(report.transfer).toMatchObject({ copied: { blobs: 7 }, mounted: { blobs: 2 } });
    const layer = imageOf('a:1').layers[0]?.digest ?? '';
    expect(from.requests.filter(({ path }) => path.endsWith(layer))).toHaveLength(1);

    from.clearRequests();
    to.clearRequests();
    const again = await sync();
    expect(again.report).toMatchObject({ copied: 0, equal: 3 });
    const heads = (registry: EmbeddedRegistry) =>
      registry.requests.filter(({ path }) => !path.endsWith('/tags/list'));
    for (const registry of [from, to])
      expect(heads(registry).map(({ method }) => method)).toEqual(['HEAD', 'HEAD', 'HEAD']);
    const text = await drayage(line());
    expect(text.stdout).toMatch(/^IMAGE +OUTCOME +COPIED +DIGEST OR REASON$/m);
    expect(text.stdout).toMatch(/\/a:1 +equal +sha256:\w{64}$/m);
    expect(text.stdout).toMatch(/copies: 3 images, 3 equal\nblobs: copied 0 \(0 B\)/);
  });

  it('keeps only the platforms of the rule, and finds them present the next time', async () => {
    const index = seededIndex({ seed: 'multi', layers: [{ size: 3_000 }] });
    await pushImage(from.endpoint, 'multi', '1', index);
    configure([{ match: 'multi', platforms: ['linux/arm64'] }]);
    const { report } = await sync('--mapping', file('map.json'));
    const [image] = report.images;
    expect(image).toMatchObject({ outcome: 'copied', sourceDigest: index.manifest.digest });
    expect(to.hasManifest(mirrored('multi'), index.manifest.digest)).toBe(false);
    expect(mappings()).toMatchObject([
      {
        digest: to.tag(mirrored('multi'), '1'),
        sourceDigest: index.manifest.digest,
        platforms: ['linux/arm64/v8'],
      },
    ]);
    // The index alone shows that there is nothing to do.
    from.clearRequests();
    expect((await sync()).report).toMatchObject({ copied: 0, equal: 1 });
    const reads = from.requests.filter(
      ({ method, path }) => method === 'GET' && path.includes('/manifests/'),
    );
    expect(reads.map(({ path }) => path)).toEqual(['/v2/multi/manifests/1']);
  });

  it('copies what refers to an image, and also what came later', async () => {
    const image = imageOf('signed');
    await push('signed', '1', image);
    configure([{ match: 'signed' }]);
    const sbom = (seed: string) =>
      seededImage({
        seed,
        layers: [{ size: 900 }],
        subject: image.manifest,
        artifactType: 'application/x.sbom',
      });
    const [early, late] = [sbom('early'), sbom('late')];
    await pushImage(from.endpoint, 'signed', early.manifest.digest, early);
    expect((await sync()).report.images).toMatchObject([{ outcome: 'copied', referrers: { copied: 1 } }]);
    await pushImage(from.endpoint, 'signed', late.manifest.digest, late);
    const second = await sync();
    expect(second.report.images).toMatchObject([{ outcome: 'equal', referrers: { copied: 2 } }]);
    expect(to.hasManifest(mirrored('signed'), late.manifest.digest)).toBe(true);
    const third = sbom('third');
    await pushImage(from.endpoint, 'signed', third.manifest.digest, third);
    const refuse = to.faults.add({
      match: { method: 'PUT', path: third.manifest.digest },
      action: { kind: 'status', status: 403 },
    });
    const partly = await sync();
    refuse();
    expect(partly.code).toBe(1);
    expect(partly.stderr).toContain('not all that refers to images was copied:');
  });

  it('continues after an image and a repository that fail, and exits with 1', async () => {
    for (const tag of ['1', '2', '3']) await push('app', tag);
    configure([{ match: 'app' }, { match: 'missing' }]);
    const remove = from.faults.add({
      match: { method: 'GET', path: '/app/manifests/2' },
      action: { kind: 'status', status: 400 },
    });
    const json = await sync();
    expect(json.code).toBe(1);
    expect(outcomes(json.report)).toEqual({
      'app:1': 'copied',
      'app:2': 'failed',
      'app:3': 'copied',
      missing: 'failed',
    });
    expect(json.report.images.at(-1)).toMatchObject({
      mirror: `${to.host}/${mirrored('missing')}`,
      error: { code: 'NAME_UNKNOWN', side: 'upstream', operation: 'list tags of' },
    });
    expect(json.stderr).toMatch(/^drayage: 2 of 4 images failed:\n {2}\S+app:2: source .* answered 400/);
    const text = await drayage(line());
    remove();
    expect(text.code).toBe(1);
    expect(text.stdout).toMatch(/app:2 +failed +source .* answered 400/);
    expect(text.stdout).toContain('4 images, 2 equal, 2 failed');
    expect(text.stderr).toMatch(/ {2}\S+\/missing: check the repository’s name/);
  });

  it('copies nothing that is not signed as its rule asks, and says what to write if repositories are not listed', async () => {
    for (const name of ['team/app', 'safe/app', 'single']) await push(name, '1');
    configure([
      { match: 'safe/**', verify: { cosign: { key: new KeySigner().pem } } },
      { match: 'team/*' },
      { match: 'single' },
    ]);
    const remove = from.faults.add({
      match: { path: '/v2/_catalog' },
      action: { kind: 'status', status: 401 },
    });
    const refused = await sync();
    remove();
    expect(refused.code).toBe(1);
    expect(outcomes(refused.report)).toEqual({
      'safe/**': 'failed',
      'team/*': 'failed',
      'single:1': 'copied',
    });
    expect(refused.stderr).toContain(
      `${from.host} does not list its repositories: write their names in match instead of team/*`,
    );
    const listed = await sync();
    expect(outcomes(listed.report)).toEqual({
      'safe/app:1': 'failed',
      'team/app:1': 'copied',
      'single:1': 'equal',
    });
    expect(listed.stderr).toContain('sign it as `verify` of its rule asks');
    expect(to.repositories()).not.toContain(mirrored('safe/app'));
  });

  it('plans the run, and writes nothing', async () => {
    for (const name of ['a', 'b']) await push(name, '1');
    configure([{ match: '*' }]);
    const { code, report } = await sync('--dry-run');
    expect(code).toBe(0);
    expect(report).toMatchObject({
      dryRun: true,
      planned: 2,
      copied: 0,
      images: [
        { outcome: 'planned', totals: { missing: { blobs: 3 } } },
        { outcome: 'planned', totals: { missing: { blobs: 3 } } },
      ],
      totals: { missing: { blobs: 5 }, present: { blobs: 0 } },
    });
    const text = await drayage(line('--dry-run'));
    expect(text.stdout).toMatch(/^IMAGE +OUTCOME +TO COPY +DIGEST OR REASON$/m);
    expect(text.stdout).toMatch(/2 planned\nblobs, each once: missing 5 .*; nothing was written/);
    expect(to.requests.filter(({ method }) => method !== 'HEAD' && method !== 'GET')).toEqual([]);
    await sync();
    expect((await sync('--dry-run')).report).toMatchObject({ planned: 0, equal: 2 });
  });

  it('writes where images are: keeps what is unchanged and what failed, and drops what no rule names', async () => {
    for (const tag of ['1', '2', '3']) await push('app', tag);
    configure([{ match: 'app' }]);
    const map = ['--mapping', file('map.json')];
    await sync(...map);
    const first = mappings();
    expect(first.map(({ image }) => image)).toEqual(['1', '2', '3'].map((tag) => `${from.host}/app:${tag}`));
    const [one] = first;
    expect(one).toEqual({
      image: `${from.host}/app:1`,
      mirror: `${to.host}/${mirrored('app')}:1`,
      digest: imageOf('app:1').manifest.digest,
      pinned: `${to.host}/${mirrored('app')}@${imageOf('app:1').manifest.digest}`,
      sourceDigest: imageOf('app:1').manifest.digest,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      platforms: ['linux/amd64'],
      sizeBytes: expect.any(Number),
      pin: false,
      regions: {},
      observedAt: expect.any(String),
      mirroredAt: expect.any(String),
      revision: 1,
      job: 'sync',
      referrers: { copied: 0, missing: [] },
    });

    // 1 stays, 2 moves, 3 cannot be looked at; 4 exists without an entry.
    const moved = await push('app', '2', imageOf('moved'));
    await push('app', '4');
    await pushImage(to.endpoint, mirrored('app'), '4', imageOf('app:4'));
    const stranger = { ...one, image: `${from.host}/gone:1` };
    const elsewhere = { ...one, image: `${from.host}/app:3`, mirror: 'elsewhere.example/app:3' };
    const rest = first.filter(({ image }) => !image.endsWith(':3'));
    writeFileSync(file('map.json'), JSON.stringify({ mappings: [...first, stranger] }));
    const fault = { match: { path: '/app/manifests/3' }, action: { kind: 'status', status: 400 } } as const;
    const remove = from.faults.add(fault);
    expect((await sync(...map)).code).toBe(1);
    const second = mappings();
    writeFileSync(file('map.json'), JSON.stringify({ mappings: [...rest, elsewhere] }));
    await sync(...map);
    remove();
    expect(second).toMatchObject([
      { ...one, observedAt: expect.any(String) },
      { image: `${from.host}/app:2`, digest: moved, revision: 2 },
      first[2] ?? {},
      { image: `${from.host}/app:4`, digest: imageOf('app:4').manifest.digest, revision: 1 },
    ]);
    expect(second[0]?.observedAt).not.toBe(one?.observedAt);
    expect(second[3]?.sizeBytes).toBe(one?.sizeBytes);
    expect(mappings().map(({ image }) => image.at(-1))).toEqual(['1', '2', '4']);

    // What cannot be listed keeps its entries.
    const unlisted = from.faults.add({
      match: { path: '/app/tags/list' },
      action: { kind: 'status', status: 400 },
    });
    await sync(...map);
    unlisted();
    expect(mappings()).toHaveLength(3);
  });

  it.each([
    ['{"mappings":', 'is not JSON'],
    ['{"mappings":[{"image":"a"}]}', 'has no list of mappings'],
    ['[]', 'has no list of mappings'],
  ])('refuses the mapping file %j before anything is requested', async (text, message) => {
    configure([{ match: 'app' }]);
    writeFileSync(file('map.json'), text);
    const result = await drayage(line('--mapping', file('map.json')));
    expect(result).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(message) });
    expect([...from.requests, ...to.requests]).toEqual([]);
  });

  it.each([
    [['--to', 'mirror'], 'write a registry'],
    [['--to', 'https://registry.example'], 'write a registry'],
    [['--to', 'registry.example/a:1'], 'write a registry'],
    [['--parallel', '0'], 'write a whole number'],
    [['--dry-run', '--mapping', 'x.json'], 'leave out --mapping'],
  ])('refuses %j', async (args, message) => {
    configure([{ match: 'app' }]);
    expect(await drayage(line(...args))).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
  });

  it('logs in with the secrets that the configuration names', async () => {
    await using locked = await startRegistry({
      flavour: 'distribution',
      credentials: { username: 'u', password: 'hunter22' },
    });
    const authorization = `Basic ${Buffer.from('u:hunter22').toString('base64')}`;
    await pushImage(locked.endpoint, 'app', '1', imageOf('locked'), { authorization });
    const upstream = { registry: locked.host, endpoint: locked.endpoint, repositories: [{ match: '**' }] };
    writeFileSync(
      file('mirror.yaml'),
      stringify({
        version: 1,
        mirror: { regions: ['eu-west-1'] },
        upstreams: [{ ...upstream, credentials: { secret: 'drayage/locked' } }],
      }),
    );
    const secrets = (value: object) => {
      writeFileSync(file('secrets.json'), JSON.stringify(value));
      return ['--secrets', file('secrets.json')];
    };
    const right = await sync(...secrets({ 'drayage/locked': { username: 'u', password: 'hunter22' } }));
    expect(right.report).toMatchObject({ copied: 1 });
    const wrong = await sync(...secrets({ 'drayage/locked': { username: 'u', password: 'wrong' } }));
    expect(wrong.code).toBe(1);
    const none = await drayage(line(...secrets({ other: {} })));
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('has no secret drayage/locked') });
  });

  it('copies to Amazon ECR, where it creates repositories, and finds the registry through the AWS credentials', async () => {
    await using ecr = await startRegistry({ flavour: 'ecr' });
    await push('app', '1');
    configure([{ match: 'app' }], {
      mirror: { regions: ['eu-west-1'], repositoryPrefix: 'own', repository: { immutableTags: true } },
    });
    const env = {
      ...process.env,
      HOME: folder,
      AWS_ENDPOINT_URL_ECR: ecr.endpoint,
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_REGION: 'eu-west-1',
    };
    const command = ['sync', '--config', file('mirror.yaml'), '--dst-plain-http', '--json'];
    const result = await drayage([...command, '--mapping', file('map.json')], { env });
    expect(result, result.stderr).toMatchObject({ code: 0 });
    const repository = `own/${from.host.replace(':', '_')}/app`;
    const digest = imageOf('app:1').manifest.digest;
    expect(ecr.tag(repository, '1')).toBe(digest);
    expect(ecr.requests.filter(({ operation }) => operation === 'CreateRepository')).toHaveLength(1);
    const mirror = `${ecr.host}/${repository}:1`;
    expect(mappings()).toMatchObject([{ mirror, regions: { 'eu-west-1': { mirror, digest } } }]);
    const { AWS_ACCESS_KEY_ID: _, AWS_SECRET_ACCESS_KEY: __, ...without } = env;
    const nobody = await drayage(command, {
      env: {
        ...without,
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_CONFIG_FILE: file('no'),
        AWS_SHARED_CREDENTIALS_FILE: file('no'),
      },
    });
    expect(nobody).toMatchObject({ code: 1, stderr: expect.stringContaining('or name a registry: --to') });
  });

  it('writes the mapping of what is done when it is interrupted', async () => {
    for (const tag of ['1', '2']) await push('app', tag);
    configure([{ match: 'app' }]);
    const path = `/${mirrored('app')}/manifests/2`;
    to.faults.add({ match: { method: 'PUT', path }, action: { kind: 'stall' } });
    const running = startDrayage(line('--json', '--mapping', file('map.json')));
    const stalled = () =>
      to.requests.some((request) => request.method === 'PUT' && request.path.endsWith('/manifests/2')) &&
      to.tag(mirrored('app'), '1') !== undefined;
    await expect.poll(stalled, { timeout: 20_000, interval: 10 }).toBe(true);
    // The first is mapped after its config was read.
    const read = () => to.requests.some(({ method, path }) => method === 'GET' && path.includes('/blobs/'));
    await expect.poll(read, { timeout: 20_000, interval: 10 }).toBe(true);
    await setTimeout(200);
    const result = await running.end('SIGINT');
    expect(result.code).toBe(1);
    expect(JSON.parse(result.stdout)).toMatchObject({ copied: 1, images: [{ outcome: 'copied' }] });
    expect(result.stderr).toMatch(/interrupted at \S+\/app:2 while .* 1 of 2 images were done before/);
    expect(existsSync(file('map.json'))).toBe(true);
    expect(mappings().map(({ image }) => image)).toEqual([`${from.host}/app:1`]);
  });
});
