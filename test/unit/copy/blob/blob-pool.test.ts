import { describe, expect, it } from 'vitest';
import { BlobPool, type PooledImage } from '../../../../core/copy/blob/blob-pool.ts';
import type { BlobOptions, CopyEvent } from '../../../../core/copy/blob/copy-blob.ts';
import type { CallOptions, ImageDestination, ImageSource } from '../../../../core/copy/ports.ts';
import type { Descriptor } from '../../../../core/oci/descriptor.ts';
import { digestOf } from '../../../../core/oci/digest.ts';
import { MemoryStore } from '../../../support/memory-store.ts';
import { sourceLike } from '../../../support/recording-stores.ts';

const bytes = new Map<string, Buffer>();
for (const [name, size] of Object.entries({ base: 5_000, other: 300 }))
  bytes.set(name, Buffer.alloc(size, name));
const blob = (name: string): Descriptor => {
  const content = bytes.get(name) as Buffer;
  return { mediaType: 'application/octet-stream', digest: digestOf(content), size: content.length };
};
const [base, other] = [blob('base'), blob('other')];

/** An upstream that counts how often each blob is read, and serves it when the test allows it. */
function upstream() {
  const store = new MemoryStore('upstream.example/app');
  for (const content of bytes.values()) store.blobs.set(digestOf(content), content);
  const reads: string[] = [];
  const failures: Error[] = [];
  let gate: PromiseWithResolvers<void> | undefined;
  const source: ImageSource = sourceLike(store, {
    blob: async (wanted, options) => {
      reads.push(wanted.digest);
      await gate?.promise;
      options?.signal?.throwIfAborted();
      const failure = failures.shift();
      if (failure) throw failure;
      return await store.blob(wanted, options);
    },
  });
  return {
    source,
    reads,
    failures,
    /** Serves nothing until it is called. */
    hold() {
      gate = Promise.withResolvers<void>();
      return gate.resolve;
    },
  };
}

/**
 * A registry whose repositories mount from each other what a manifest names, as Amazon ECR does.
 */
class Mirror {
  readonly repositories = new Map<string, MemoryStore>();
  readonly committed = new Set<string>();
  readonly mounts: string[] = [];

  at(repository: string): ImageDestination {
    const store = this.repositories.get(repository) ?? new MemoryStore(`mirror.example/${repository}`);
    this.repositories.set(repository, store);
    const opened = store.openUpload.bind(store);
    return Object.assign(Object.create(store) as MemoryStore, {
      openUpload: async (wanted: Descriptor, options?: CallOptions & { mountFrom?: string }) => {
        const from = options?.mountFrom;
        const content =
          from === undefined ? undefined : this.repositories.get(from)?.blobs.get(wanted.digest);
        if (from !== undefined) this.mounts.push(`${repository} from ${from}`);
        if (!content || !this.committed.has(from ?? '')) return await opened(wanted, options);
        store.blobs.set(wanted.digest, content);
        return { kind: 'mounted' as const };
      },
    });
  }
}

function setUp() {
  const [from, mirror, pool] = [upstream(), new Mirror(), new BlobPool()];
  const image = (
    repository: string,
    options: Partial<BlobOptions> & { mayMountFrom?: () => boolean } = {},
  ) => {
    const { mayMountFrom, ...blobOptions } = options;
    const pooled = pool.enter({
      registry: 'mirror.example',
      repository,
      ...(mayMountFrom && { mayMountFrom }),
    });
    pooled.plan([base, other], []);
    const ends = { source: from.source, destination: mirror.at(repository) };
    const copy = (wanted: Descriptor) => pooled.copy(ends, wanted, { attempts: 1, ...blobOptions });
    const commit = () => {
      mirror.committed.add(repository);
      pooled.leave(true);
    };
    return { pooled: pooled as PooledImage, copy, commit };
  };
  return { ...from, mirror, pool, image };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

describe('blobs that several images of a repository lack', () => {
  it('are carried once: the others wait for the first, and find them there', async () => {
    const { image, reads, hold } = setUp();
    const release = hold();
    const events: CopyEvent[] = [];
    const [one, two, three] = [
      image('app'),
      image('app', { onEvent: (event) => events.push(event) }),
      image('app'),
    ];
    const copied = [one, two].map(({ copy }) => copy(base));
    await settled();
    release();
    expect(await Promise.all(copied)).toEqual([
      { how: 'copied', isNew: true },
      { how: 'present', isNew: true },
    ]);
    expect(events.map(({ type }) => type)).toEqual(['start', 'end']);
    expect(three.pooled.holds(base)).toBe(true);
    expect(await three.copy(base)).toEqual({ how: 'present', isNew: true });
    expect(reads).toEqual([base.digest]);
  });

  it('are handed over when the image that carries them fails', async () => {
    const { image, reads, failures } = setUp();
    const broken = new Error('broken');
    failures.push(broken);
    const [one, two, three] = [image('app'), image('app'), image('app')];
    const copied = await Promise.allSettled([one, two, three].map(({ copy }) => copy(base)));
    expect(copied[0]).toEqual({ status: 'rejected', reason: broken });
    expect(copied.slice(1).map((each) => each.status)).toEqual(['fulfilled', 'fulfilled']);
    expect(reads).toHaveLength(2);
  });

  it('fail all images after three have tried', async () => {
    const { image, reads, failures } = setUp();
    failures.push(...Array.from({ length: 9 }, (_, index) => new Error(`broken ${index}`)));
    const copied = await Promise.allSettled(Array.from({ length: 6 }, () => image('app').copy(base)));
    expect(copied.map(({ status }) => status)).toEqual(Array(6).fill('rejected'));
    expect(reads).toHaveLength(3);
  });

  it('travel on when the image that began them is given up, and end when nobody wants them', async () => {
    const { image, reads, hold } = setUp();
    const abort = new AbortController();
    const told: CopyEvent[] = [];
    const release = hold();
    const one = image('app', { signal: abort.signal, onEvent: (event) => told.push(event) });
    const two = image('app');
    const gone = one.copy(base);
    const stays = two.copy(base);
    await settled();
    abort.abort(new Error('interrupted'));
    await expect(gone).rejects.toThrow('interrupted');
    const before = told.length;
    release();
    expect(await stays).toEqual({ how: 'present', isNew: true });
    expect(told).toHaveLength(before);
    expect(reads).toHaveLength(1);
  });
});

describe('blobs that images of several repositories lack', () => {
  it('are mounted from the first, once its manifest is committed', async () => {
    const { image, reads, mirror } = setUp();
    const [one, two] = [image('one'), image('two')];
    expect(await one.copy(base)).toEqual({ how: 'copied', isNew: true });
    const mounting = two.copy(base);
    await settled();
    expect(mirror.mounts).toEqual([]);
    one.commit();
    expect(await mounting).toEqual({ how: 'mounted', isNew: true });
    expect(await image('three').copy(base)).toEqual({ how: 'mounted', isNew: true });
    expect(reads).toEqual([base.digest]);
  });

  it('are carried by the next one when the first fails', async () => {
    const { image, reads, failures } = setUp();
    failures.push(new Error('broken'));
    const [one, two, three] = [image('one'), image('two'), image('three')];
    await expect(one.copy(base)).rejects.toThrow('broken');
    const copied = [two.copy(base), three.copy(base)];
    one.pooled.leave(false);
    expect(await copied[0]).toEqual({ how: 'copied', isNew: true });
    two.commit();
    expect(await copied[1]).toEqual({ how: 'mounted', isNew: true });
    expect(reads).toHaveLength(2);
  });

  it('are carried where the registry does not mount them after all', async () => {
    const { image, mirror, reads } = setUp();
    const [one, two] = [image('one'), image('two')];
    await one.copy(base);
    one.pooled.leave(true); // without the registry's knowledge
    expect(await two.copy(base)).toEqual({ how: 'copied', isNew: true });
    expect(mirror.mounts).toEqual(['two from one']);
    expect(reads).toHaveLength(2);
  });

  it('are carried by an image that may not mount from the other repository', async () => {
    const { image, mirror } = setUp();
    const [one, two] = [image('one'), image('two', { mayMountFrom: () => false })];
    expect((await one.copy(base)).how).toBe('copied');
    one.commit();
    expect((await two.copy(base)).how).toBe('copied');
    expect(mirror.mounts).toEqual([]);
  });

  it('never make two images wait for each other', async () => {
    const { pool, image, source, mirror } = setUp();
    const enter = (repository: string, first: Descriptor) => {
      const pooled = pool.enter({ registry: 'mirror.example', repository });
      pooled.plan([first], []);
      return { pooled, ends: { source, destination: mirror.at(repository) } };
    };
    const [one, two] = [enter('one', base), enter('two', other)];
    // Each leads what the other one needs, and commits only when it has both.
    const both = [one, two].map(async ({ pooled, ends }) => {
      const how = await Promise.all([base, other].map((each) => pooled.copy(ends, each, {})));
      mirror.committed.add(ends.destination.name.split('/')[1] ?? '');
      pooled.leave(true);
      return how.map((each) => each.how).sort();
    });
    expect((await Promise.all(both)).flat().sort()).toEqual(['copied', 'copied', 'copied', 'mounted']);
    expect((await image('three').copy(base)).how).toBe('mounted');
  });

  it('are carried when the first takes long with what else it has', async () => {
    const { image, reads } = setUp();
    const [one, two] = [image('one'), image('two')];
    await one.copy(base);
    const waiting = two.copy(base);
    await settled();
    expect(reads).toHaveLength(1);
    expect(await waiting).toEqual({ how: 'copied', isNew: true });
    expect(reads).toHaveLength(2);
  });

  it('are followed along long chains of images without walking every path', async () => {
    const { pool, source, mirror } = setUp();
    const blobs = Array.from({ length: 40 }, (_, index) => ({
      ...base,
      digest: digestOf(Buffer.from(`${index}`)),
    }));
    const images = blobs.map((blob, index) => {
      const repository = `app-${index}`;
      const pooled = pool.enter({ registry: 'mirror.example', repository });
      pooled.plan([blob], []);
      return { pooled, ends: { source, destination: mirror.at(repository) } };
    });
    const abort = new AbortController();
    // Each waits for all before it, in so many ways that nobody could walk them one by one.
    const waiting = images.flatMap(({ pooled, ends }, index) =>
      blobs.slice(0, index).map((blob) => pooled.copy(ends, blob, { signal: abort.signal })),
    );
    const ended = Promise.allSettled(waiting);
    await settled();
    abort.abort(new Error('interrupted'));
    await ended;
    for (const { pooled } of images) pooled.leave(false);
  });

  it('are not waited for by an image that is given up', async () => {
    const { image } = setUp();
    const abort = new AbortController();
    const [one, two] = [image('one'), image('two', { signal: abort.signal })];
    await one.copy(base);
    const waiting = two.copy(base);
    await settled();
    abort.abort(new Error('interrupted'));
    await expect(waiting).rejects.toThrow('interrupted');
  });
});

describe('what a pool knows', () => {
  it('does not cover a blob with the same digest and another size', async () => {
    const { image, reads } = setUp();
    const [one, liar] = [image('app'), image('app')];
    await one.copy(base);
    expect(liar.pooled.holds({ ...base, size: base.size - 1 })).toBe(false);
    await expect(liar.copy({ ...base, size: base.size - 1 })).rejects.toMatchObject({ code: 'SIZE_INVALID' });
    expect(await image('app').copy(base)).toEqual({ how: 'present', isNew: true });
    expect(reads).toHaveLength(2);
  });

  it('is forgotten for a repository that turned out to lack something', async () => {
    const { image } = setUp();
    const [one, other] = [image('app'), image('other')];
    await one.copy(base);
    one.commit();
    await other.copy(base);
    one.pooled.distrust();
    expect([one.pooled.holds(base), other.pooled.holds(base)]).toEqual([false, true]);
  });
});

describe('images with many manifests', () => {
  it('hold them in memory one after the other, until they leave', async () => {
    const pool = new BlobPool();
    const place = { registry: 'mirror.example', repository: 'app' };
    const [one, two, three] = [pool.enter(place), pool.enter(place), pool.enter(place)];
    await one.holdManyManifests();
    await one.holdManyManifests();
    const abort = new AbortController();
    const given = three.holdManyManifests(abort.signal);
    let holds = false;
    const waiting = two.holdManyManifests().then(() => {
      holds = true;
    });
    await settled();
    expect(holds).toBe(false);
    abort.abort(new Error('interrupted'));
    await expect(given).rejects.toThrow('interrupted');
    one.leave(false);
    await waiting;
    expect(holds).toBe(true);
    two.leave(true);
  });
});
