import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { digestOf } from '../../core/oci/digest.ts';
import { mediaTypes } from '../../core/oci/media-types.ts';
import { type EmbeddedRegistry, startRegistry } from '../../local/ecr/server.ts';
import { drayage } from '../support/drayage.ts';
import { pushBlob, pushManifest, seededImage } from '../support/seeded-image.ts';

const note =
  '1 foreign layer is not in the upstream registry and not copied: clients fetch them from mcr.example';

describe('a foreign layer of a registry that does not answer HEAD of blobs', () => {
  it.each([403, 405])('is copied if the registry serves it: %i', async (status) => {
    const [upstream, mirror] = await Promise.all([
      startRegistry({ flavour: 'distribution' }),
      startRegistry({ flavour: 'distribution' }),
    ]);
    onTestFinished(() => Promise.all([upstream.stop(), mirror.stop()]).then(() => {}));
    const image = seededImage({ seed: 'served', layers: [{ size: 3_000 }] });
    const base = Buffer.from('served all the same');
    const foreign = {
      mediaType: mediaTypes.dockerForeignLayerGzip,
      digest: digestOf(base),
      size: base.length,
      urls: ['https://mcr.example/base'],
    };
    const content = JSON.parse(Buffer.from(image.manifest.bytes).toString());
    const bytes = Buffer.from(JSON.stringify({ ...content, layers: [foreign, ...image.layers] }));
    for (const [digest, blob] of image.blobs) await pushBlob(upstream.endpoint, 'app', digest, blob);
    await pushBlob(upstream.endpoint, 'app', foreign.digest, base);
    const manifest = { bytes, mediaType: image.manifest.mediaType, digest: digestOf(bytes) };
    await pushManifest(upstream.endpoint, 'app', '1', manifest);
    upstream.faults.add({ match: { method: 'HEAD', path: '/blobs/' }, action: { kind: 'status', status } });
    const { code, stdout } = await drayage([
      'copy',
      `${upstream.host}/app:1`,
      `${mirror.host}/app:1`,
      '--plain-http',
    ]);
    expect(code).toBe(0);
    expect(stdout).not.toContain('foreign');
    expect(mirror.hasBlob('app', foreign.digest)).toBe(true);
  });
});

describe('a foreign layer that is not copied', () => {
  let upstream: EmbeddedRegistry;
  let mirror: EmbeddedRegistry;
  beforeAll(async () => {
    [upstream, mirror] = await Promise.all([
      startRegistry({ flavour: 'distribution' }),
      startRegistry({ flavour: 'distribution' }),
    ]);
    const image = seededImage({ seed: 'windows', layers: [{ size: 3_000 }] });
    const foreign = {
      mediaType: mediaTypes.dockerForeignLayerGzip,
      digest: digestOf(Buffer.from('elsewhere')),
      size: 4_000,
      urls: ['https://mcr.example/base'],
    };
    const bytes = Buffer.from(
      JSON.stringify({
        ...JSON.parse(Buffer.from(image.manifest.bytes).toString()),
        layers: [foreign, ...image.layers],
      }),
    );
    for (const [digest, blob] of image.blobs) await pushBlob(upstream.endpoint, 'app', digest, blob);
    const manifest = { bytes, mediaType: image.manifest.mediaType, digest: digestOf(bytes) };
    for (const tag of ['1', '2']) await pushManifest(upstream.endpoint, 'app', tag, manifest);
  });
  afterAll(() => Promise.all([upstream.stop(), mirror.stop()]));

  const copy = async (name: string, ...flags: string[]) => {
    const tag = flags.includes('--all-tags') ? '' : ':1';
    const line = ['copy', `${upstream.host}/app${tag}`, `${mirror.host}/${name}${tag}`, '--plain-http'];
    const result = await drayage([...line, ...flags]);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    return result.stdout;
  };
  const report = { blobs: 1, bytes: 4_000, note };

  it('is reported in the text, for one image and for all tags', async () => {
    expect(await copy('text')).toContain(`\n${note}\n`);
    expect(await copy('all', '--all-tags')).toContain(`  ${note}\n`);
  });

  it('is reported in the plan', async () => {
    expect(await copy('plan', '--dry-run')).toContain(
      'would not be copied: clients fetch them from mcr.example',
    );
    expect(JSON.parse(await copy('plan', '--dry-run', '--json')).foreign).toEqual(report);
    expect(await copy('plan', '--dry-run', '--all-tags')).toContain(note);
  });

  it('is reported to programs', async () => {
    expect(JSON.parse(await copy('json', '--json')).foreign).toEqual(report);
    const tags = JSON.parse(await copy('json-all', '--all-tags', '--json')).tags;
    expect(tags[0]).toMatchObject({ outcome: 'copied', foreign: report });
    const events = (await copy('events', '--events'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.find(({ event }) => event === 'plan').foreign).toEqual(report);
    expect(events.find(({ event }) => event === 'image').foreign).toEqual(report);
  });
});
