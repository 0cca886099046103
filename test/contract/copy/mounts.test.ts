import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enableBlobMounting } from '../../../core/aws/ecr/blob-mounting.ts';
import type { LayerIndex } from '../../../core/copy/blob/layer-index.ts';
import { indexedMounts } from '../../../core/copy/blob/mount-sources.ts';
import { commitChildren, commitRoot } from '../../../core/copy/commit.ts';
import { copyBlobs } from '../../../core/copy/copy.ts';
import { plan } from '../../../core/copy/plan.ts';
import type { Digest } from '../../../core/oci/digest.ts';
import { storeWith } from '../../support/memory-image.ts';
import { sourceLike } from '../../support/recording-stores.ts';
import { type SeededImage, seededImage } from '../../support/seeded-image.ts';
import { startEcr } from './subjects.ts';

/** An index in memory that remembers what it was asked. */
class MemoryIndex implements LayerIndex {
  readonly holders = new Map<Digest, string[]>();
  readonly asked: Digest[][] = [];

  async find(digests: Digest[]): Promise<Map<Digest, string[]>> {
    this.asked.push(digests);
    return new Map(
      digests.flatMap((digest) => {
        const holders = this.holders.get(digest);
        return holders ? [[digest, [...holders]]] : [];
      }),
    );
  }

  async add(repository: string, digests: Digest[]): Promise<void> {
    for (const digest of digests) this.holders.set(digest, [...(this.holders.get(digest) ?? []), repository]);
  }

  async drop(repository: string, digest: Digest): Promise<void> {
    this.holders.set(
      digest,
      (this.holders.get(digest) ?? []).filter((each) => each !== repository),
    );
  }
}

const large = 8 * 1024 * 1024 + 1;

describe('two simultaneous copies to different repositories', () => {
  let mirror: Awaited<ReturnType<typeof startEcr>>;
  beforeAll(async () => {
    mirror = await startEcr();
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    await enableBlobMounting({ endpoint: mirror.registry.endpoint, region: 'eu-west-1', credentials });
  });
  afterAll(() => mirror.close());

  /** A copy of an image in the steps of a mirror job. */
  const begin = async (image: SeededImage, repository: string, index: LayerIndex) => {
    const store = storeWith(image);
    const read: Digest[] = [];
    const source = sourceLike(store, {
      blob: (blob, options) => {
        read.push(blob.digest);
        return store.blob(blob, options);
      },
    });
    const destination = await mirror.ecr.repository(repository);
    const planned = await plan(source, destination, 'latest');
    const warnings: string[] = [];
    const mounts = await indexedMounts({
      index,
      repository,
      blobs: planned.blobs,
      warn: (text) => warnings.push(text),
    });
    return {
      read,
      warnings,
      copy: () => copyBlobs(source, destination, planned, { mounts }),
      async commit() {
        await commitChildren(destination, planned, planned.missing);
        await commitRoot(destination, planned, 'latest');
        await mounts.note();
      },
    };
  };
  const image = (seed: string, sizes: number[]) =>
    seededImage({ seed, layers: sizes.map((size) => ({ size, seed: `shared ${size}` })) });

  it('ask again about a blob above 8 MiB, and mount what was committed meanwhile', async () => {
    const index = new MemoryIndex();
    const [one, two] = [image('one', [large, large - 1]), image('two', [large, large - 1])];
    const first = await begin(one, 'mirror/first', index);
    const second = await begin(two, 'mirror/second', index);
    await first.copy();
    await first.commit();
    index.asked.length = 0;
    const { transfer } = await second.copy();
    await second.commit();

    const [largest, smaller] = two.layers.map(({ digest }) => digest);
    expect(transfer).toMatchObject({
      mounted: { blobs: 1, bytes: large },
      copied: { blobs: 2, bytes: large - 1 + two.config.size },
    });
    expect(index.asked).toEqual([[largest]]);
    expect(second.read.sort()).toEqual([smaller, two.config.digest].sort());
    expect(index.holders.get(largest as Digest)).toEqual(['mirror/first', 'mirror/second']);
    expect(mirror.registry.tag('mirror/second', 'latest')).toBe(two.manifest.digest);
  });

  it('both copy it if neither has committed, because a mount would be refused', async () => {
    const index = new MemoryIndex();
    const first = await begin(image('three', [70_000]), 'mirror/third', index);
    const second = await begin(image('four', [70_000]), 'mirror/fourth', index);
    const done = await Promise.all([first.copy(), second.copy()]);
    expect(done.map(({ transfer }) => transfer.copied.blobs)).toEqual([2, 2]);
  });

  it('drop a wrong entry, and continue without an index that fails', async () => {
    const index = new MemoryIndex();
    const wrong = image('five', [60_000]);
    const digest = wrong.layers[0]?.digest as Digest;
    await index.add('mirror/nobody', [digest]);
    const { copy, commit } = await begin(wrong, 'mirror/fifth', index);
    expect((await copy()).transfer.copied.blobs).toBe(2);
    await commit();
    expect(index.holders.get(digest)).toEqual(['mirror/fifth']);

    const broken: LayerIndex = {
      find: async () => Promise.reject(new Error('no table')),
      add: async () => Promise.reject(new Error('no table')),
      drop: async () => Promise.reject(new Error('no table')),
    };
    const without = await begin(image('six', [60_000, large]), 'mirror/sixth', broken);
    expect((await without.copy()).transfer.copied.blobs).toBe(3);
    await without.commit();
    expect(without.warnings).toHaveLength(3);
  });
});
