import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { plan } from '../../../core/copy/plan.ts';
import type { ImageSource } from '../../../core/copy/ports.ts';
import { parseManifest } from '../../../core/oci/manifest.ts';
import { parsePlatform } from '../../../core/oci/platform.ts';
import { holdImage, manifestOf, storeWith } from '../../support/memory-image.ts';
import { MemoryStore } from '../../support/memory-store.ts';
import { Gauge, sourceLike } from '../../support/recording-stores.ts';
import { seededImage, seededIndex } from '../../support/seeded-image.ts';

const digests = (things: { digest: string }[]) => things.map(({ digest }) => digest).sort();

describe('the plan of a copy', () => {
  const platforms = ['amd64', 'arm64', 's390x', 'ppc64le'].map((architecture) => ({
    os: 'linux',
    architecture,
  }));
  const shared = { size: 500, seed: 'shared base' };

  it('reads each manifest once, children in parallel, and no blob', async () => {
    const index = seededIndex({ seed: 'wide', platforms, layers: [shared, { size: 100 }] });
    const store = storeWith(index);
    const asked: string[] = [];
    const gauge = new Gauge();
    const source: ImageSource = sourceLike(store, {
      manifest: (reference) =>
        gauge.during(async () => {
          asked.push(reference);
          await sleep(5);
          return await store.manifest(reference);
        }),
      blob: async () => {
        throw new Error('no blob was requested');
      },
    });
    const made = await plan(source, new MemoryStore('mirror'), 'latest');

    expect(asked).toEqual(['latest', ...index.children.map(({ manifest }) => manifest.digest)]);
    expect(gauge.most).toBe(4);
    expect(made.root.digest).toBe(index.manifest.digest);
    expect(digests(made.children)).toEqual(digests(index.children.map(({ manifest }) => manifest)));
  });

  it('reads no more manifests at once than allowed, and none of a root that the caller has', async () => {
    const index = seededIndex({ seed: 'narrow', platforms, layers: [shared] });
    const store = storeWith(index);
    const gauge = new Gauge();
    const source = sourceLike(store, {
      manifest: (reference) =>
        gauge.during(async () => {
          await sleep(2);
          if (reference === 'latest') throw new Error('the root was given');
          return await store.manifest(reference);
        }),
    });
    await plan(source, new MemoryStore('mirror'), await store.manifest('latest'), { concurrency: 2 });
    expect(gauge.most).toBe(2);
  });

  it('names each blob once, and separates what is present from what is missing', async () => {
    const index = seededIndex({ seed: 'shared', platforms, layers: [shared, shared, { size: 90 }] });
    const mirror = new MemoryStore('mirror');
    const [base] = index.children[0]?.layers ?? [];
    if (!base) throw new Error('no layer');
    mirror.blobs.set(base.digest, index.blobs.get(base.digest) as Uint8Array);

    const made = await plan(storeWith(index), mirror, 'latest');
    expect(digests(made.blobs)).toEqual([...index.blobs.keys()].sort());
    expect(digests(made.present)).toEqual([base.digest]);
    expect(digests(made.missing)).toEqual([...index.blobs.keys()].filter((d) => d !== base.digest).sort());
    expect(made.sizeBytes).toBe(
      [...index.blobs.values()].reduce((sum, { byteLength }) => sum + byteLength, 0) +
        [index, ...index.children].reduce((sum, { manifest }) => sum + manifest.bytes.byteLength, 0),
    );
  });

  it('asks the mirror once, and only about the blobs of the image', async () => {
    const index = seededIndex({ seed: 'asked', layers: [shared] });
    const asked: string[][] = [];
    const mirror = new MemoryStore('mirror');
    mirror.presentBlobs = async (blobs) => {
      asked.push(digests(blobs));
      return new Set();
    };
    await plan(storeWith(index), mirror, 'latest');
    expect(asked).toEqual([[...index.blobs.keys()].sort()]);
  });

  it('keeps only the requested platforms, and reads nothing of the others', async () => {
    const index = seededIndex({ seed: 'filtered', platforms, layers: [{ size: 70 }] });
    const store = storeWith(index);
    const asked: string[] = [];
    const source = sourceLike(store, {
      manifest: (reference) => {
        asked.push(reference);
        return store.manifest(reference);
      },
    });
    const made = await plan(source, new MemoryStore('mirror'), 'latest', {
      platforms: [parsePlatform('linux/arm64')],
    });
    const arm = index.children[1];
    expect(asked).toEqual(['latest', arm?.manifest.digest]);
    expect(made.source.digest).toBe(index.manifest.digest);
    expect(made.root.digest).not.toBe(index.manifest.digest);
    expect(digests(made.children)).toEqual([arm?.manifest.digest]);
    expect(digests(made.blobs)).toEqual([...(arm?.blobs.keys() ?? [])].sort());
  });

  it('keeps the digest if the filter leaves nothing out, and keeps a single image whole', async () => {
    const index = seededIndex({ seed: 'all', platforms: platforms.slice(0, 2), layers: [shared] });
    const wanted = ['linux/amd64', 'linux/arm64'].map(parsePlatform);
    const made = await plan(storeWith(index), new MemoryStore('mirror'), 'latest', { platforms: wanted });
    expect(made.root.digest).toBe(index.manifest.digest);

    const image = seededImage({
      seed: 'single',
      layers: [shared],
      platform: { os: 'windows', architecture: 'amd64' },
    });
    const single = await plan(storeWith(image), new MemoryStore('mirror'), 'latest', { platforms: wanted });
    expect(single.root.digest).toBe(image.manifest.digest);
  });

  it('fails for good when no platform is left, and says which ones exist', async () => {
    const index = seededIndex({ seed: 'none', layers: [shared] });
    const planning = plan(storeWith(index), new MemoryStore('mirror'), 'latest', {
      platforms: [parsePlatform('windows/amd64')],
    });
    await expect(planning).rejects.toMatchObject({ code: 'NO_MATCHING_PLATFORM', temporary: false });
    await expect(planning).rejects.toThrow(/windows\/amd64.*linux\/amd64, linux\/arm64\/v8/);
  });

  it('refuses an image that lies about the size of a blob that the mirror has', async () => {
    const image = seededImage({ seed: 'lie', layers: [{ size: 4_321 }] });
    const mirror = new MemoryStore('mirror');
    holdImage(mirror, image, 'latest');
    const honest = JSON.parse(Buffer.from(image.manifest.bytes).toString());
    const lie = manifestOf({ ...honest, layers: [{ ...honest.layers[0], size: 7 }] });
    const planning = plan(storeWith(image), mirror, lie);
    await expect(planning).rejects.toMatchObject({ code: 'SIZE_INVALID', side: 'upstream' });
    await expect(planning).rejects.toThrow('mirror holds it with 4321 bytes, but its descriptor says 7');
  });

  it('lists a few platforms of an index that names many long ones, in plain text', async () => {
    const many = Array.from({ length: 30 }, (_, i) => ({
      os: `evil\n\u001b[31m\u202e${i}${'x'.repeat(300_000 / 30)}`,
      architecture: 'amd64',
    }));
    const index = seededIndex({ seed: 'evil', platforms: many, layers: [] });
    const error = await plan(storeWith(index), new MemoryStore('mirror'), 'latest', {
      platforms: [parsePlatform('linux/amd64')],
    }).catch((e: unknown) => e as Error);
    expect(error).toMatchObject({ code: 'NO_MATCHING_PLATFORM' });
    const { message } = error as Error;
    expect(message.length).toBeLessThan(2_000);
    expect(message).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(message).toContain('and 10 more');
  });

  it('fails for good, with a remedy, when an index cannot be reduced to its platforms', async () => {
    const index = seededIndex({ seed: 'deep', layers: [] });
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
    const json = Buffer.from(index.manifest.bytes).toString().replace('{', `{"future":${deep},`);
    const root = parseManifest(Buffer.from(json), index.manifest.mediaType);
    const planning = plan(storeWith(index), new MemoryStore('mirror'), root, {
      platforms: [parsePlatform('linux/amd64')],
    });
    await expect(planning).rejects.toMatchObject({
      name: 'CopyError',
      code: 'MANIFEST_INVALID',
      side: 'upstream',
      temporary: false,
      remedy: expect.stringContaining('publisher'),
    });
    await expect(planning).rejects.toThrow('nested too deep');
  });

  it('reads no more manifests after one that cannot be read', async () => {
    const many = Array.from({ length: 40 }, (_, i) => ({ os: 'linux', architecture: `cpu${i}` }));
    const store = new MemoryStore('up.example/app');
    const index = seededIndex({ seed: 'lost', platforms: many, layers: [{ size: 9 }] });
    const root = holdImage(store, index, 'latest');
    let asked = 0;
    const source = sourceLike(store, {
      manifest: async () => {
        asked += 1;
        await sleep(1);
        throw new Error('gone');
      },
    });
    await expect(plan(source, new MemoryStore('mirror'), root)).rejects.toThrow('gone');
    await sleep(20);
    expect(asked).toBe(8);
  });
});
