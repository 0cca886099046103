import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DryRunReport } from '../../cli/copy/dry-run.ts';
import { type EmbeddedRegistry, startRegistry } from '../../local/ecr/server.ts';
import { drayage } from '../support/drayage.ts';
import { pushImage, seededImage } from '../support/seeded-image.ts';

describe('drayage copy --dry-run', () => {
  let from: EmbeddedRegistry;
  let to: EmbeddedRegistry;
  const base = { size: 30_000, seed: 'base' };
  const old = seededImage({ seed: 'old', layers: [base, { size: 900 }] });
  const image = seededImage({ seed: 'new', layers: [base, { size: 4_000 }] });
  beforeAll(async () => {
    [from, to] = await Promise.all([
      startRegistry({ flavour: 'distribution' }),
      startRegistry({ flavour: 'distribution' }),
    ]);
    await pushImage(from.endpoint, 'app', '1', image);
    await pushImage(to.endpoint, 'app', '1', old);
  });
  beforeEach(() => {
    from.clearRequests();
    to.clearRequests();
  });
  afterAll(() => Promise.all([from.stop(), to.stop()]));

  const run = (src: string, dst: string, ...args: string[]) =>
    drayage(['copy', src, dst, '--plain-http', '--dry-run', ...args]);
  const written = (registry: EmbeddedRegistry) =>
    registry.requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD');

  it('reports for each blob whether it is present or missing, and writes nothing', async () => {
    const result = await run(`${from.host}/app:1`, `${to.host}/app:1`, '--json');
    expect(result, result.stderr).toMatchObject({ code: 0 });
    const report = JSON.parse(result.stdout) as DryRunReport;
    const [shared, own] = image.layers;
    expect(report).toMatchObject({
      dryRun: true,
      sourceDigest: image.manifest.digest,
      digest: image.manifest.digest,
      destinationDigest: old.manifest.digest,
      totals: {
        present: { blobs: 1, bytes: shared?.size },
        mountable: { blobs: 0, bytes: 0 },
        missing: { blobs: 2, bytes: (own?.size ?? 0) + image.config.size },
      },
    });
    const states = new Map(report.blobs.map(({ digest, state }) => [digest, state]));
    expect(states).toEqual(
      new Map([
        [image.config.digest, 'missing'],
        [shared?.digest, 'present'],
        [own?.digest, 'missing'],
      ]),
    );
    expect(report.blobs.find(({ digest }) => digest === own?.digest)).toMatchObject({
      sizeBytes: own?.size,
      mediaType: own?.mediaType,
    });
    expect(written(to)).toEqual([]);
    expect(from.requests.filter(({ path }) => path.includes('/blobs/'))).toEqual([]);
    expect(to.tag('app', '1')).toBe(old.manifest.digest);
  });

  it('knows what the registry could mount from the source', async () => {
    const result = await run(`${to.host}/app:1`, `${to.host}/branch:1`, '--json');
    expect(JSON.parse(result.stdout)).toMatchObject({
      totals: { mountable: { blobs: 3 }, missing: { blobs: 0 }, present: { blobs: 0 } },
    });
    expect(written(to)).toEqual([]);
    expect(to.repositories()).not.toContain('branch');
  });

  it('prints a table for people', async () => {
    const { stdout } = await run(`${from.host}/app:1`, `${to.host}/app:1`);
    const lines = stdout.split('\n');
    expect(lines[0]).toBe(`${from.host}/app:1 is ${image.manifest.digest}`);
    expect(lines[1]).toBe(`${to.host}/app:1 names ${old.manifest.digest} now`);
    expect(stdout).toMatch(
      new RegExp(`^ {2}missing {2}${image.layers[1]?.digest} {2}4\\.00 kB {2}application/vnd\\.oci`, 'm'),
    );
    expect(stdout).toMatch(
      /^would transfer: missing 2 .*, mountable 0 \(0 B\), present 1 .*; nothing was written$/m,
    );
    expect((await run(`${from.host}/app:1`, `${to.host}/none:1`)).stdout).toContain('/none:1 does not exist');
    expect((await run(`${to.host}/app:1`, `${to.host}/app:1`)).stdout).toContain('/app:1 is equal already');
  });
});
