import { describe, expect, it } from 'vitest';
import { commitChildren, commitRoot } from '../../../core/copy/commit.ts';
import { plan } from '../../../core/copy/plan.ts';
import type { Descriptor } from '../../../core/oci/descriptor.ts';
import type { Manifest } from '../../../core/oci/manifest.ts';
import { mediaTypes } from '../../../core/oci/media-types.ts';
import { blobOf, childOf, manifestOf } from '../../support/memory-image.ts';
import { MemoryStore } from '../../support/memory-store.ts';
import { destinationLike, sourceLike } from '../../support/recording-stores.ts';

/** A source that holds what it is given, and a mirror that has all blobs. */
function upstream(...manifests: Manifest[]): MemoryStore {
  const store = new MemoryStore('up.example/odd');
  for (const manifest of manifests) store.manifests.set(manifest.digest, manifest);
  const root = manifests.at(-1);
  if (root) store.tags.set('latest', root.digest);
  return store;
}

const image = (name: string, layers: Descriptor[] = []) =>
  manifestOf({
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: blobOf(`config of ${name}`, mediaTypes.ociConfig),
    layers,
  });
const index = (...manifests: Descriptor[]) =>
  manifestOf({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests });

/** Indexes nested this deep: 1 is an index of an image. */
function nested(levels: number): Manifest[] {
  const all: Manifest[] = [image('innermost')];
  for (let i = 0; i < levels; i++) all.push(index(childOf(all.at(-1) as Manifest)));
  return all;
}

const planOf = (...manifests: Manifest[]) =>
  plan(upstream(...manifests), new MemoryStore('mirror'), 'latest');

describe('the plan of an odd image', () => {
  it('accepts indexes in indexes, children before parents', async () => {
    const all = nested(4);
    const made = await planOf(...all);
    expect(made.children.map(({ digest }) => digest)).toEqual(all.slice(0, -1).map(({ digest }) => digest));
  });

  it('refuses indexes that are nested too deeply', async () => {
    await expect(planOf(...nested(5))).rejects.toMatchObject({ code: 'IMAGE_TOO_DEEP', side: 'upstream' });
  });

  it('commits an index before a sibling that names it, too', async () => {
    const leaf = image('leaf');
    const inner = index(childOf(leaf));
    const outer = index(childOf(inner), childOf(leaf));
    // The outer one comes first, and everything is seen on the first level.
    const root = index(childOf(outer), childOf(inner), childOf(leaf));
    const source = upstream(leaf, inner, outer, root);
    const mirror = new MemoryStore('mirror');
    mirror.blobs.set(blobOf('config of leaf').digest, Buffer.from('config of leaf'));

    const made = await plan(source, mirror, 'latest');
    expect(made.children).toEqual([leaf, inner, outer]);
    await commitChildren(mirror, made, made.missing);
    expect(await commitRoot(mirror, made, 'latest')).toBe(root.digest);
  });

  it('refuses an image with too many manifests before reading them', async () => {
    const children = Array.from({ length: 1_001 }, (_, i) => childOf(image(`number ${i}`)));
    // None of them exists: reading one would be another error.
    await expect(planOf(index(...children))).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
  });

  it('refuses sizes whose sum is not an exact number, before asking the mirror', async () => {
    const layers = ['a', 'b'].map((name) => ({
      ...blobOf(name, mediaTypes.ociLayer),
      size: Number.MAX_SAFE_INTEGER,
    }));
    const mirror = destinationLike(new MemoryStore('mirror'), {
      presentBlobs: async () => {
        throw new Error('the mirror was asked');
      },
    });
    const endless = image('endless', layers);
    await expect(plan(upstream(endless), mirror, 'latest')).rejects.toMatchObject({
      code: 'IMAGE_TOO_LARGE',
      side: 'upstream',
      temporary: false,
      remedy: expect.stringContaining('take the image out'),
    });
  });

  it('refuses a blob larger than the mirror accepts, and accepts one of exactly that size', async () => {
    const mirror = destinationLike(new MemoryStore('mirror.example/app'), { maxBlobBytes: 1_000 });
    const planFor = (size: number) =>
      plan(upstream(image('large', [{ ...blobOf('l', mediaTypes.ociLayer), size }])), mirror, 'latest');
    expect((await planFor(1_000)).missing).toHaveLength(2);
    await expect(planFor(1_001)).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
    await expect(planFor(1_001)).rejects.toThrow(
      `${blobOf('l').digest}: its 1001 bytes are more than the 1000 that mirror.example/app accepts`,
    );
  });

  it('refuses manifests that are too large together, before reading them', async () => {
    const child = (i: number) => ({ ...childOf(image(`number ${i}`)), size: 4 * 1024 * 1024 });
    const children = (count: number) => Array.from({ length: count }, (_, i) => child(i));
    // None of them exists: reading one would be another error.
    await expect(planOf(index(...children(17)))).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
    await expect(planOf(index(...children(16)))).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
  });

  it('counts the manifests of all levels together', async () => {
    const children = Array.from({ length: 16 }, (_, i) => ({
      ...childOf(image(`number ${i}`)),
      size: 4 * 1024 * 1024,
    }));
    const inner = index(...children);
    await expect(planOf(inner, index(childOf(inner)))).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
  });

  it('refuses a child with another size than its index says', async () => {
    const child = image('child');
    const planning = planOf(child, index({ ...childOf(child), size: child.bytes.byteLength + 1 }));
    await expect(planning).rejects.toMatchObject({ code: 'SIZE_INVALID', side: 'upstream' });
    await expect(planning).rejects.toThrow(`${child.bytes.byteLength} bytes, but its index says`);
  });

  it('refuses a blob to which two children give different sizes', async () => {
    const layer = blobOf('some layer', mediaTypes.ociLayer);
    const one = image('one', [layer]);
    const two = image('two', [{ ...layer, size: layer.size + 5 }]);
    await expect(planOf(one, two, index(childOf(one), childOf(two)))).rejects.toMatchObject({
      code: 'SIZE_INVALID',
    });
  });

  it('leaves foreign layers where they are, and copies layers that merely have urls', async () => {
    const foreign = ['nondistributable.v1.tar+gzip', 'nondistributable.v1.tar'].map((type, i) => ({
      ...blobOf(`foreign ${i}`, `application/vnd.oci.image.layer.${type}`),
      urls: ['https://layers.example/1'],
    }));
    const docker = {
      ...blobOf('docker foreign', mediaTypes.dockerForeignLayerGzip),
      urls: ['https://layers.example/2'],
    };
    const plain = { ...blobOf('plain', mediaTypes.ociLayerGzip), urls: ['https://layers.example/3'] };
    const held = blobOf('no urls', 'application/vnd.oci.image.layer.nondistributable.v1.tar');
    const made = await planOf(image('windows', [...foreign, docker, plain, held]));

    expect(made.foreign.map(({ digest }) => digest)).toEqual(
      [...foreign, docker].map(({ digest }) => digest),
    );
    expect(made.missing.map(({ digest }) => digest)).toEqual([
      blobOf('config of windows').digest,
      plain.digest,
      held.digest,
    ]);
    expect(made.sizeBytes).toBe(
      made.root.bytes.byteLength + made.missing.reduce((sum, { size }) => sum + size, 0),
    );
  });

  it('treats what is not a manifest in an index as a blob', async () => {
    const child = image('child');
    const cache = blobOf('a layer of a build cache', mediaTypes.ociLayerGzip);
    const made = await planOf(child, index(childOf(child), cache));
    expect(made.blobs.map(({ digest }) => digest)).toContain(cache.digest);
    expect(made.children).toEqual([child]);
  });

  it('reads a child once even if it is named many times', async () => {
    const child = image('child');
    const inner = index(childOf(child), childOf(child, { annotations: { again: 'yes' } }));
    const root = index(childOf(child), childOf(inner), childOf(child), childOf(inner));
    const store = upstream(child, inner, root);
    const asked: string[] = [];
    const source = sourceLike(store, {
      manifest: (reference) => {
        asked.push(reference);
        return store.manifest(reference);
      },
    });
    const made = await plan(source, new MemoryStore('mirror'), 'latest');
    expect(asked).toEqual(['latest', child.digest, inner.digest]);
    expect(made.children).toEqual([child, inner]);
  });

  it('plans an empty index', async () => {
    const made = await planOf(index());
    expect(made).toMatchObject({
      children: [],
      blobs: [],
      missing: [],
      sizeBytes: made.root.bytes.byteLength,
    });
  });
});
