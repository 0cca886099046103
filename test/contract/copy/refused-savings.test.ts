import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { copyBlob } from '../../../core/copy/blob/copy-blob.ts';
import { mountsFrom } from '../../../core/copy/blob/mount-sources.ts';
import { parseManifest } from '../../../core/oci/manifest.ts';
import { type EmbeddedRegistry, startRegistry } from '../../../local/ecr/server.ts';
import { copyWhole, counted, repositoryAt, requestLines } from '../../support/copying.ts';
import { pushImage, seededImage } from '../../support/seeded-image.ts';

const layers = Array.from({ length: 6 }, (_, n) => ({ size: 2_000 + n }));
const quick = { retry: { baseMs: 1, maxMs: 2 } };

describe('a registry that refuses what would save work', () => {
  let upstream: EmbeddedRegistry;
  let mirror: EmbeddedRegistry;
  beforeAll(async () => {
    upstream = await startRegistry({ flavour: 'distribution' });
    mirror = await startRegistry({ flavour: 'distribution' });
  });
  afterEach(() => {
    for (const { faults } of [upstream, mirror]) faults.clear();
  });
  afterAll(() => Promise.all([upstream.stop(), mirror.stop()]));

  const pair = async (repository: string) => {
    const image = seededImage({ seed: repository, layers });
    await pushImage(upstream.endpoint, repository, 'latest', image);
    return {
      image,
      source: repositoryAt(upstream, repository, { side: 'upstream', ...quick }),
      destination: repositoryAt(mirror, repository, { side: 'mirror', ...quick }),
    };
  };
  const refuse = (registry: EmbeddedRegistry, method: string, path: string, status: number) =>
    registry.faults.add({ match: { method, path }, action: { kind: 'status', status } });

  it.each([200, 400, 401, 403, 404, 405, 409, 415, 422, 500, 502, 503])(
    'gets a plain upload if it answers mounts with %i',
    async (status) => {
      const repository = `mount-${status}`;
      const { image, source, destination } = await pair(repository);
      refuse(mirror, 'POST', 'mount=', status);
      mirror.clearRequests();
      await copyWhole(source, destination, 'latest');
      expect(mirror.tag(repository, 'latest')).toBe(image.manifest.digest);
    },
  );

  it('is asked for mounts again if it refused everything for a while', async () => {
    const { image, source, destination } = await pair('locked-out');
    mirror.faults.add({
      match: { method: 'POST', path: '/uploads/', times: 3 },
      action: { kind: 'status', status: 403 },
    });
    const [layer] = image.layers;
    if (!layer) throw new Error('no layer');
    await expect(copyBlob(source, destination, layer, { mounts: mountsFrom('other') })).rejects.toThrow(
      '403',
    );
    mirror.clearRequests();
    expect(await copyBlob(source, destination, layer, { mounts: mountsFrom('other') })).toBe('copied');
    const asked = mirror.requests.filter(({ method }) => method === 'POST').map(({ query }) => query);
    expect(asked.map((query) => new URLSearchParams(query).get('from'))).toEqual(['other']);
  });

  it('is asked what it has if it refuses the mount from the repository itself, and gets only the rest', async () => {
    const { image, source, destination } = await pair('self');
    await pushImage(
      mirror.endpoint,
      'self',
      'before',
      seededImage({ seed: 'self', layers: layers.slice(0, 5) }),
    );
    refuse(mirror, 'POST', 'mount=', 405);
    mirror.clearRequests();
    const { transfer } = await copyWhole(source, destination, 'latest');
    expect(transfer.present.blobs).toBe(5);
    expect(transfer.copied.blobs).toBe(image.blobs.size - 5);
    // Now the registry is known: no mount is tried, and it is asked about each blob.
    mirror.clearRequests();
    await copyWhole(source, destination, 'latest');
    const lines = counted(requestLines(mirror.requests));
    expect(lines['POST uploads']).toBeUndefined();
    expect(lines['HEAD blobs']).toBe(image.blobs.size);
  });

  it.each([400, 401, 403, 404, 405, 500])(
    'gets copies of what cannot be mounted from another repository: %i',
    async (status) => {
      const { image, source } = await pair(`other-${status}`);
      const [layer, second] = image.layers;
      if (!layer || !second) throw new Error('no layers');
      const destination = repositoryAt(mirror, `other-${status}`, { side: 'mirror', ...quick });
      refuse(mirror, 'POST', 'from=elsewhere', status);
      mirror.clearRequests();
      for (const blob of [layer, second]) {
        expect(await copyBlob(source, destination, blob, { mounts: mountsFrom('elsewhere') })).toBe('copied');
      }
      const refused = mirror.requests.filter(({ query }) =>
        decodeURIComponent(query).includes('from=elsewhere'),
      );
      expect(refused, 'it is tried once').toHaveLength(1);
    },
  );

  it('gets a plain upload if it cuts mounts off', async () => {
    const { image, source, destination } = await pair('mount-cut');
    mirror.faults.add({ match: { method: 'POST', path: 'mount=' }, action: { kind: 'cut' } });
    await copyWhole(source, destination, 'latest');
    expect(mirror.tag('mount-cut', 'latest')).toBe(image.manifest.digest);
  });

  it('is given time if mounts are too many, because a plain upload would be, too', async () => {
    const { image, source, destination } = await pair('mount-429');
    refuse(mirror, 'POST', 'mount=', 429);
    const [layer] = image.layers;
    if (!layer) throw new Error('no layer');
    await expect(copyBlob(source, destination, layer, { pause: async () => {} })).rejects.toMatchObject({
      status: 429,
    });
  });

  it.each([400, 403, 405, 406, 501])('has its manifests read if it answers HEAD with %i', async (status) => {
    const { image, destination } = await pair(`head-${status}`);
    await pushImage(mirror.endpoint, `head-${status}`, 'latest', image);
    refuse(mirror, 'HEAD', '/manifests/', status);
    mirror.clearRequests();
    expect(await destination.tagDigest('latest')).toBe(image.manifest.digest);
    expect(await destination.tagDigest('other')).toBeUndefined();
    expect(await destination.hasManifest(parseManifest(image.manifest.bytes, image.manifest.mediaType))).toBe(
      true,
    );
    const lines = counted(requestLines(mirror.requests));
    expect(lines).toEqual({ 'HEAD manifests': 1, 'GET manifests': 3 });
  });

  it.each([400, 401, 403, 405, 406, 501])(
    'gets uploads again that it cannot be asked about: HEAD of a blob is answered with %i',
    async (status) => {
      const { image, source } = await pair(`blob-head-${status}`);
      await pushImage(mirror.endpoint, `blob-head-${status}`, 'before', image);
      const destination = repositoryAt(mirror, `blob-head-${status}`, { side: 'mirror', ...quick });
      refuse(mirror, 'POST', 'mount=', 405);
      refuse(mirror, 'HEAD', '/blobs/', status);
      await copyWhole(source, destination, 'latest');
      expect(mirror.tag(`blob-head-${status}`, 'latest')).toBe(image.manifest.digest);
    },
  );
});
