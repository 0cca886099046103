import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { commitChildren, commitRoot } from '../../../core/copy/commit.ts';
import { copyBlobs } from '../../../core/copy/copy.ts';
import { plan } from '../../../core/copy/plan.ts';
import { digestOf } from '../../../core/oci/digest.ts';
import { mediaTypes } from '../../../core/oci/media-types.ts';
import { childOf, holdImage, manifestOf, storeWith } from '../../support/memory-image.ts';
import { MemoryStore } from '../../support/memory-store.ts';
import { destinationLike } from '../../support/recording-stores.ts';
import { seededIndex } from '../../support/seeded-image.ts';

describe('the commit', () => {
  /** An index of an index of two images, its blobs copied already. */
  async function prepared() {
    const source = new MemoryStore('up.example/app');
    const inner = holdImage(source, seededIndex({ seed: 'inner', layers: [{ size: 50 }] }));
    const outer = manifestOf({
      schemaVersion: 2,
      mediaType: mediaTypes.ociIndex,
      manifests: [childOf(inner)],
    });
    source.manifests.set(outer.digest, outer);
    source.tags.set('latest', outer.digest);
    const mirror = new MemoryStore('mirror.example/app');
    const made = await plan(source, mirror, 'latest');
    await copyBlobs(source, mirror, made);
    return { made, mirror, inner, outer };
  }

  it('puts children before parents, and the tag last', async () => {
    const { made, mirror, inner, outer } = await prepared();
    const put: string[] = [];
    const destination = destinationLike(mirror, {
      putManifest: async (manifest, reference) => {
        put.push(reference);
        await sleep(2);
        await mirror.putManifest(manifest, reference);
      },
    });
    await commitChildren(destination, made, made.missing);
    expect(put).toHaveLength(3);
    expect(put.at(-1)).toBe(inner.digest);
    expect(mirror.tags.size).toBe(0);

    expect(await commitRoot(destination, made, 'v1')).toBe(outer.digest);
    expect(put.at(-1)).toBe('v1');
    expect(mirror.tags).toEqual(new Map([['v1', outer.digest]]));
  });

  it('puts only the missing children, and asks only about those that may exist', async () => {
    const platforms = ['amd64', 'arm64', 's390x'].map((architecture) => ({ os: 'linux', architecture }));
    const image = seededIndex({ seed: 'again', platforms, layers: [{ size: 60 }] });
    const source = storeWith(image);
    const mirror = new MemoryStore('mirror');
    const run = async () => {
      const calls: string[] = [];
      const made = await plan(source, mirror, 'latest');
      await copyBlobs(source, mirror, made);
      const destination = destinationLike(mirror, {
        hasManifest: async (manifest) => {
          calls.push(`has ${manifest.digest}`);
          return await mirror.hasManifest(manifest);
        },
        putManifest: async (manifest, reference) => {
          calls.push(`put ${manifest.digest}`);
          await mirror.putManifest(manifest, reference);
        },
      });
      await commitChildren(destination, made, made.missing);
      return calls.sort();
    };
    const [first, ...rest] = image.children.map(({ manifest }) => manifest.digest).sort();
    if (!first) throw new Error('no child');
    expect(await run()).toEqual([first, ...rest].map((digest) => `put ${digest}`));
    expect(await run()).toEqual([first, ...rest].map((digest) => `has ${digest}`));
    mirror.manifests.delete(first);
    expect(await run()).toEqual([...[first, ...rest].map((digest) => `has ${digest}`), `put ${first}`]);
  });

  it('puts no more children after one is refused', async () => {
    const platforms = Array.from({ length: 20 }, (_, i) => ({ os: 'linux', architecture: `cpu${i}` }));
    const source = storeWith(seededIndex({ seed: 'wide', platforms, layers: [] }));
    const mirror = new MemoryStore('mirror');
    let put = 0;
    const destination = destinationLike(mirror, {
      putManifest: async () => {
        put += 1;
        await sleep(1);
        throw new Error('refused');
      },
    });
    const made = await plan(source, mirror, 'latest');
    await expect(commitChildren(destination, made, made.missing)).rejects.toThrow('refused');
    await sleep(20);
    expect(put).toBe(8);
  });

  it('notices that the tag names something else immediately afterwards', async () => {
    const { made, mirror, outer } = await prepared();
    await commitChildren(mirror, made, made.missing);
    for (const now of [digestOf(Buffer.from('somebody else')), undefined]) {
      const destination = destinationLike(mirror, { tagDigest: async () => now });
      const commit = commitRoot(destination, made, 'v1');
      await expect(commit).rejects.toMatchObject({
        code: 'TAG_MOVED',
        side: 'mirror',
        // The other writer may have been a late job, so the job looks again.
        temporary: true,
      });
      await expect(commit).rejects.toThrow(`mirror.example/app:v1: it was put as ${outer.digest}`);
    }
  });

  it('puts a digest without asking for a tag', async () => {
    const { made, mirror, outer } = await prepared();
    await commitChildren(mirror, made, made.missing);
    const destination = destinationLike(mirror, {
      tagDigest: async () => {
        throw new Error('there is no tag');
      },
    });
    expect(await commitRoot(destination, made, outer.digest)).toBe(outer.digest);
    expect(mirror.manifests.has(outer.digest)).toBe(true);
    expect(mirror.tags.size).toBe(0);
  });
});
