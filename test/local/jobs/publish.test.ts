import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { LeaseError } from '../../../core/mapping/lease.ts';
import { type PublishRequest, publishMapping } from '../../../core/mapping/publish.ts';
import type { TagState } from '../../../core/mapping/store.ts';
import { keyOf, type LocalStores, mappingOf, resolveOf, startStores } from '../../support/local-stores.ts';

describe('publishing a mapping', () => {
  let stores: LocalStores;
  let tags = 0;
  beforeAll(async () => {
    stores = await startStores();
  });
  afterAll(() => stores.close());
  const request = (content: string, resolve: number, more: Partial<PublishRequest> = {}): PublishRequest => {
    const mapping = mappingOf(content);
    return {
      key: keyOf(`tag-${tags}`),
      owner: 'job',
      resolve: resolveOf(mapping, resolve),
      mapping,
      moveTag: async () => {},
      ...more,
    };
  };
  const freshTag = () => {
    tags += 1;
  };

  it('moves the tag while it holds the lease, and then publishes', async () => {
    freshTag();
    const order: string[] = [];
    const { mappings } = stores;
    const asked = request('first', 1, {
      moveTag: async () => {
        order.push('tag');
        expect((await mappings.read(asked.key))?.mapping).toBeUndefined();
        expect(await mappings.acquireLease(asked.key, 'another', 1_000)).toBeUndefined();
      },
    });
    expect(await publishMapping(mappings, asked)).toMatchObject({ kind: 'published', revision: 1 });
    expect(order).toEqual(['tag']);
    expect(await mappings.readMany([{ ...asked.key, reference: asked.mapping.digest }])).toHaveLength(1);
    // The lease is free at once.
    expect(await mappings.acquireLease(asked.key, 'another', 1)).toBeDefined();
  });

  it('publishes a digest although a tag with the same digest is published at the same time', async () => {
    freshTag();
    const { mappings } = stores;
    const tag = request('both', 1);
    const key = { ...tag.key, reference: tag.mapping.digest };
    const moveTag = async () => void (await publishMapping(mappings, tag));
    expect(await publishMapping(mappings, request('both', 1, { key, moveTag }))).toMatchObject({
      kind: 'published',
    });
    expect(await mappings.readMany([key, tag.key])).toHaveLength(2);
    // Somebody else's lease is still in the way.
    const lost = request('both', 2, {
      key,
      mapping: { ...tag.mapping, mirrorRepository: 'elsewhere/nginx' },
      moveTag: async () => {
        const lease = (await mappings.read(key))?.fence ?? 0;
        await mappings.releaseLease(key, { fence: lease, state: (await mappings.read(key)) as TagState });
        await mappings.acquireLease(key, 'another', 1_000);
      },
    });
    await expect(publishMapping(mappings, lost)).rejects.toBeInstanceOf(LeaseError);
  });

  it('confirms what is already mapped, and keeps the time when it was mirrored', async () => {
    freshTag();
    const { mappings } = stores;
    await publishMapping(mappings, request('same', 1));
    const again = request('same', 2);
    again.mapping = {
      ...again.mapping,
      observedAt: '2027-01-01T00:00:00.000Z',
      mirroredAt: '2027-01-01T00:00:00.000Z',
    };
    expect(await publishMapping(mappings, again)).toEqual({ kind: 'confirmed' });
    expect((await mappings.read(again.key))?.mapping).toEqual({
      ...mappingOf('same'),
      observedAt: '2027-01-01T00:00:00.000Z',
    });

    const moved = request('same', 3);
    moved.mapping = { ...again.mapping, mirrorRepository: 'elsewhere/nginx' };
    expect(await publishMapping(mappings, moved)).toEqual({
      kind: 'published',
      mapping: expect.anything(),
      revision: 2,
    });
    expect((await mappings.read(again.key))?.mapping).toMatchObject({
      mirrorRepository: 'elsewhere/nginx',
      mirroredAt: mappingOf('same').mirroredAt,
    });
  });

  it('publishes what belongs to the image again if that has changed, and keeps it if nobody looked', async () => {
    freshTag();
    const { mappings } = stores;
    const missing = [{ digest: mappingOf('sbom').digest, code: 'UNSUPPORTED', reason: 'refused' }];
    const lookedAt = (resolve: number, copied: number) =>
      request('signed', resolve, { mapping: mappingOf('signed', { referrers: { copied, missing } }) });
    await publishMapping(mappings, lookedAt(1, 1));
    expect(await publishMapping(mappings, lookedAt(2, 1))).toEqual({ kind: 'confirmed' });
    expect(await publishMapping(mappings, lookedAt(3, 2))).toEqual({
      kind: 'published',
      mapping: expect.anything(),
      revision: 2,
    });
    const { key } = request('signed', 4);
    const digest = { ...key, reference: mappingOf('signed').digest };
    for (const one of [key, digest]) {
      expect((await mappings.read(one))?.mapping?.referrers).toEqual({ copied: 2, missing });
    }

    expect(await publishMapping(mappings, request('signed', 4))).toEqual({ kind: 'confirmed' });
    const moved = mappingOf('signed', { mirrorRepository: 'elsewhere/nginx' });
    await publishMapping(mappings, request('signed', 5, { mapping: moved }));
    expect((await mappings.read(key))?.mapping?.referrers).toEqual({ copied: 2, missing });
    await publishMapping(mappings, request('another image', 6));
    expect((await mappings.read(key))?.mapping?.referrers).toBeUndefined();
  });

  it('is superseded by a later look and by a pin, and then touches neither tag nor mapping', async () => {
    freshTag();
    const { mappings } = stores;
    const later = request('later', 7);
    await publishMapping(mappings, later);
    const moveTag = vi.fn();
    const early = await publishMapping(mappings, request('early', 6, { moveTag }));
    expect(early).toMatchObject({ kind: 'superseded', reason: expect.stringContaining('later look') });
    // The same resolve may come twice: its job ran again.
    expect(await publishMapping(mappings, request('later', 7))).toEqual({ kind: 'confirmed' });

    freshTag();
    await publishMapping(mappings, request('pinned', 1, { mapping: mappingOf('pinned', { pin: true }) }));
    const pinned = await publishMapping(mappings, request('next', 2, { moveTag }));
    expect(pinned).toMatchObject({ kind: 'superseded', reason: expect.stringContaining('pinned') });
    expect(moveTag).not.toHaveBeenCalled();
    expect(await mappings.acquireLease(keyOf(`tag-${tags}`), 'another', 1)).toBeDefined();
  });

  it('frees the lease and publishes nothing when the tag cannot be moved', async () => {
    freshTag();
    const { mappings } = stores;
    const asked = request('unmoved', 1, { moveTag: () => Promise.reject(new Error('immutable')) });
    await expect(publishMapping(mappings, asked)).rejects.toThrow('immutable');
    expect((await mappings.read(asked.key))?.mapping).toBeUndefined();
    expect(await mappings.acquireLease(asked.key, 'another', 1)).toBeDefined();
  });

  it('publishes nothing once its lease belongs to another', async () => {
    freshTag();
    const { mappings } = stores;
    const asked = request('late', 1, {
      moveTag: async () => {
        // It hung for so long that the lease expired and was taken.
        const taken = { fence: 1, state: { events: 0, resolves: 0, fence: 1, revision: 0 } };
        await mappings.renewLease(asked.key, taken, -1);
        expect(await mappings.acquireLease(asked.key, 'another', 60_000)).toBeDefined();
      },
    });
    const publishing = publishMapping(mappings, asked);
    await expect(publishing).rejects.toBeInstanceOf(LeaseError);
    await expect(publishing).rejects.toMatchObject({ code: 'TAG_BUSY', temporary: true, side: 'mirror' });
    expect((await mappings.read(asked.key))?.mapping).toBeUndefined();
    // The other one's lease is not freed either.
    expect(await mappings.acquireLease(asked.key, 'third', 1)).toBeUndefined();
  });

  it('moves no tag when the lease was lost before', async () => {
    freshTag();
    const { mappings } = stores;
    const moveTag = vi.fn();
    vi.spyOn(mappings, 'renewLease').mockResolvedValueOnce(false);
    await expect(publishMapping(mappings, request('lost', 1, { moveTag }))).rejects.toBeInstanceOf(
      LeaseError,
    );
    expect(moveTag).not.toHaveBeenCalled();
  });

  it('renews the lease while the tag is moved', async () => {
    freshTag();
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const renew = vi.spyOn(stores.mappings, 'renewLease');
      const asked = request('slow', 1, {
        moveTag: async () => {
          await vi.advanceTimersByTimeAsync(25_000);
        },
      });
      expect(await publishMapping(stores.mappings, asked)).toMatchObject({ kind: 'published' });
      expect(renew).toHaveBeenCalledTimes(3); // right before, and each ten seconds
      await vi.advanceTimersByTimeAsync(60_000);
      expect(renew).toHaveBeenCalledTimes(3);
    } finally {
      vi.useRealTimers();
    }
  });

  it('stops waiting for the lease when it is cancelled', async () => {
    freshTag();
    const abort = new AbortController();
    const asked = request('cancelled', 1, { signal: abort.signal });
    await stores.mappings.acquireLease(asked.key, 'another', 60_000);
    const publishing = publishMapping(stores.mappings, asked);
    setTimeout(() => abort.abort(new Error('enough')), 30);
    await expect(publishing).rejects.toThrow('enough');
    await sleep(5);
    expect((await stores.mappings.read(asked.key))?.mapping).toBeUndefined();
  });

  it('maps a digest under its own key alone', async () => {
    const mapping = mappingOf('only by digest');
    const put = vi.spyOn(stores.mappings, 'putDigest');
    const asked = { ...request('only by digest', 1), key: keyOf(mapping.digest) };
    expect(await publishMapping(stores.mappings, asked)).toMatchObject({ kind: 'published', revision: 1 });
    expect(put).not.toHaveBeenCalled();
  });
});
