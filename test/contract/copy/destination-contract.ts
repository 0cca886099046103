import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commitChildren, commitRoot } from '../../../core/copy/commit.ts';
import { copyBlobs } from '../../../core/copy/copy.ts';
import { plan } from '../../../core/copy/plan.ts';
import { digestOf } from '../../../core/oci/digest.ts';
import { mediaTypes } from '../../../core/oci/media-types.ts';
import { collected, inChunks, stalling, timeOf } from '../../support/byte-streams.ts';
import { blobOf, holdImage, parsed, storeWith } from '../../support/memory-image.ts';
import { MemoryStore } from '../../support/memory-store.ts';
import { seededImage, seededIndex } from '../../support/seeded-image.ts';
import { seededBytes } from '../../support/seeded-layer.ts';
import type { Subject } from './subjects.ts';

/** What every destination promises (core/copy/ports.ts). */
export function describeDestination(start: () => Promise<Subject>): void {
  describe('as a destination', () => {
    let subject: Subject;
    beforeAll(async () => {
      subject = await start();
      await subject.store.presentBlobs([blobOf('first question')]);
      await subject.sibling.store.presentBlobs([blobOf('first question')]);
    });
    afterAll(() => subject.close());

    const upload = async (bytes: Uint8Array, blob = blobOf(bytes), store = subject.store) => {
      const opened = await store.openUpload(blob);
      if (opened.kind !== 'session') throw new Error('nothing should have been mounted');
      await opened.upload.write(inChunks(bytes));
    };

    it('reports which of many blobs it has', async () => {
      const all = Array.from({ length: 250 }, (_, i) => seededBytes(`many ${i}`, 20));
      for (const i of [0, 99, 100, 199, 249]) await upload(all[i] as Uint8Array);

      const present = await subject.store.presentBlobs(all.map((bytes) => blobOf(bytes)));

      expect([...present].sort()).toEqual(
        [0, 99, 100, 199, 249].map((i) => digestOf(all[i] as Uint8Array)).sort(),
      );
      expect(await subject.store.presentBlobs([])).toEqual(new Set());
    });

    it('refuses a blob that it holds with another size', async () => {
      const bytes = seededBytes('false size', 4_096);
      await upload(bytes);
      const asking = subject.store.presentBlobs([blobOf('lacked'), { ...blobOf(bytes), size: 7 }]);
      await expect(asking).rejects.toMatchObject({
        name: 'CopyError',
        code: 'SIZE_INVALID',
        side: 'upstream',
        temporary: false,
      });
      await expect(asking).rejects.toThrow(/4096 bytes, but its descriptor says 7/);
    });

    it('stores a blob and gives its bytes back', async () => {
      const bytes = seededBytes('stored', 300_000);
      await upload(bytes);

      expect(await collected(await subject.store.blob(blobOf(bytes)))).toEqual(Buffer.from(bytes));
      expect(Buffer.from(await subject.store.readBlob(blobOf(bytes)))).toEqual(Buffer.from(bytes));
    });

    it('refuses bytes that are not the blob', async () => {
      const promised = seededBytes('promised', 50_000);
      const other = seededBytes('other', 50_000);
      await expect(upload(other, blobOf(promised))).rejects.toThrow();

      expect(await subject.store.presentBlobs([blobOf(promised), blobOf(other)])).toEqual(new Set());
    });

    it.each([
      ['fewer', 40_000],
      ['more', 60_000],
    ])('refuses %s bytes than promised', async (_, size) => {
      const blob = { ...blobOf(seededBytes('sized', 50_000)) };
      await expect(upload(seededBytes('sized', size), blob)).rejects.toThrow();
      expect(await subject.store.presentBlobs([blob])).toEqual(new Set());
    });

    it('forgets a cancelled upload, whether it has begun or not', async () => {
      const bytes = seededBytes('cancelled', 50_000);
      const unbegun = await subject.store.openUpload(blobOf(bytes));
      const begun = await subject.store.openUpload(blobOf(bytes));
      if (unbegun.kind !== 'session' || begun.kind !== 'session') throw new Error('no session');
      await unbegun.upload.cancel();
      const broken = (async function* () {
        yield bytes.subarray(0, 20_000);
        throw new Error('the source broke');
      })();
      await expect(begun.upload.write(broken)).rejects.toThrow('the source broke');
      await begun.upload.cancel();
      await begun.upload.cancel(); // never rejects

      expect(await subject.store.presentBlobs([blobOf(bytes)])).toEqual(new Set());
    });

    it('ends a write at once when it is cancelled, with the reason', async () => {
      const bytes = seededBytes('aborted', 50_000);
      const opened = await subject.store.openUpload(blobOf(bytes));
      if (opened.kind !== 'session') throw new Error('no session');
      const abort = new AbortController();
      const reason = new Error('enough');
      const writing = opened.upload.write(stalling(bytes.subarray(0, 20_000)), { signal: abort.signal });
      setTimeout(() => abort.abort(reason), 50);

      expect(await timeOf(writing)).toBeLessThan(3_000);
      await expect(writing).rejects.toBe(reason);
      expect(await subject.store.presentBlobs([blobOf(bytes)])).toEqual(new Set());
    });

    it('does nothing for a caller that has already given up', async () => {
      const signal = AbortSignal.abort(new Error('too late'));
      const image = seededImage({ seed: 'too late', layers: [{ size: 30 }] });
      const { store } = subject;
      for (const call of [
        () => store.presentBlobs([blobOf('x')], { signal }),
        () => store.openUpload(blobOf('x'), { signal }),
        () => store.putManifest(parsed(image.manifest), 'late', { signal }),
        () => store.tagDigest('late', { signal }),
        () => store.readBlob(blobOf('x'), { signal }),
      ]) {
        await expect(call()).rejects.toBe(signal.reason);
      }
    });

    it('opens a session or mounts, and has the blob afterwards either way', async () => {
      const image = seededImage({ seed: 'mounted', layers: [{ size: 40_000 }] });
      const [layer] = image.layers;
      if (!layer) throw new Error('no layer');
      const { store, sibling } = subject;
      for (const [digest, bytes] of image.blobs) {
        await upload(bytes, { ...blobOf(bytes), digest }, sibling.store);
      }
      await sibling.store.putManifest(parsed(image.manifest), 'latest');

      const opened = await store.openUpload(layer, { mountFrom: sibling.name });
      if (opened.kind === 'session') {
        await opened.upload.write(inChunks(image.blobs.get(layer.digest) as Uint8Array));
      }

      expect(await store.presentBlobs([layer])).toEqual(new Set([layer.digest]));
    });

    it('keeps a manifest byte for byte, under its digest and its tag', async () => {
      const image = seededImage({ seed: 'verbatim', layers: [{ size: 100 }] });
      for (const bytes of image.blobs.values()) await upload(bytes);
      await subject.store.putManifest(parsed(image.manifest), 'v1');

      for (const reference of ['v1', image.manifest.digest]) {
        const read = await subject.store.manifest(reference);
        expect(Buffer.from(read.bytes)).toEqual(Buffer.from(image.manifest.bytes));
        expect(read).toMatchObject({ digest: image.manifest.digest, mediaType: image.manifest.mediaType });
      }
    });

    it('reports whether it has a manifest of this type', async () => {
      const image = seededImage({ seed: 'had', layers: [{ size: 100 }] });
      const manifest = parsed(image.manifest);
      const has = (one: typeof manifest) => subject.store.hasManifest?.(one);
      expect(await has(manifest)).toBe(false);
      for (const bytes of image.blobs.values()) await upload(bytes);
      await subject.store.putManifest(manifest, manifest.digest);
      expect(await has(manifest)).toBe(true);
      expect(await has({ ...manifest, mediaType: mediaTypes.dockerManifest })).toBe(false);
    });

    it('moves a tag and reports where it points; a missing tag is undefined', async () => {
      const images = ['first', 'second'].map((seed) => seededImage({ seed, layers: [{ size: 64 }] }));
      for (const image of images) {
        for (const bytes of image.blobs.values()) await upload(bytes);
        await subject.store.putManifest(parsed(image.manifest), 'moving');
        expect(await subject.store.tagDigest('moving')).toBe(image.manifest.digest);
        await subject.store.putManifest(parsed(image.manifest), 'moving'); // repeating it does no
        // harm
      }
      expect(await subject.store.tagDigest('nobody-put-it')).toBeUndefined();
    });

    it('accepts an index only after its children, and a manifest only after its blobs', async () => {
      const index = seededIndex({ seed: 'ordered', layers: [{ size: 80 }] });
      const [child] = index.children;
      if (!child) throw new Error('no child');
      await expect(
        subject.store.putManifest(parsed(child.manifest), child.manifest.digest),
      ).rejects.toThrow();
      for (const bytes of index.blobs.values()) await upload(bytes);
      await subject.store.putManifest(parsed(child.manifest), child.manifest.digest);
      await expect(subject.store.putManifest(parsed(index.manifest), 'multi')).rejects.toThrow();
      expect(await subject.store.tagDigest('multi')).toBeUndefined();

      for (const { manifest } of index.children)
        await subject.store.putManifest(parsed(manifest), manifest.digest);
      await subject.store.putManifest(parsed(index.manifest), 'multi');
      expect(await subject.store.tagDigest('multi')).toBe(index.manifest.digest);
    });

    it('fails to read a blob that it lacks', async () => {
      await expect(subject.store.readBlob(blobOf('never stored'))).rejects.toThrow();
    });

    it('receives whole images, and finds them present the second time', async () => {
      const base = { size: 70_000, seed: 'a shared base' };
      const images = [
        seededImage({ seed: 'docker', mediaTypes: 'docker', layers: [base, { size: 900 }] }),
        seededIndex({ seed: 'both', layers: [base, { size: 3_000 }] }),
      ];
      for (const image of images) {
        const source = storeWith(image);
        const first = await plan(source, subject.store, 'latest');
        await copyBlobs(source, subject.store, first);
        await commitChildren(subject.store, first, first.missing);
        await commitRoot(subject.store, first, image.kind);

        const again = await plan(source, subject.store, 'latest', { ask: true });
        expect(again.missing).toEqual([]);
        const back = new MemoryStore('back.example/app');
        const pulled = await plan(subject.store, back, image.kind);
        await copyBlobs(subject.store, back, pulled);
        await commitChildren(back, pulled, pulled.missing);
        await commitRoot(back, pulled, 'latest');
        const expected = new MemoryStore('expected');
        holdImage(expected, image, 'latest');
        expect(back.tags).toEqual(expected.tags);
        expect([...back.blobs.keys()].sort()).toEqual([...expected.blobs.keys()].sort());
        expect([...back.manifests.keys()].sort()).toEqual([...expected.manifests.keys()].sort());
      }
    });
  });
}
