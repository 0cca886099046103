import { describe, expect, it } from 'vitest';
import type { ImageSource } from '../../../../core/copy/ports.ts';
import { findReferrers } from '../../../../core/copy/referrers/find-referrers.ts';
import { type Digest, digestOf } from '../../../../core/oci/digest.ts';
import { childOf, parsed, storeWith } from '../../../support/memory-image.ts';
import { MemoryStore } from '../../../support/memory-store.ts';
import { sourceLike, temporaryFailure } from '../../../support/recording-stores.ts';
import { seededImage, seededIndex } from '../../../support/seeded-image.ts';
import { artifactOf, cosignOf, cosignTag, holdArtifact } from '../../../support/signed-image.ts';

const index = seededIndex({ seed: 'signed', layers: [{ size: 100 }] });
const root = parsed(index.manifest);
const children = index.children.map(({ manifest }) => parsed(manifest));
const subjects = [root, ...children].map(({ digest }) => digest);

/** A source that notes what it is asked. */
function asking(store: MemoryStore, changes: Partial<ImageSource> = {}) {
  const asked: string[] = [];
  const source = sourceLike(store, {
    tagDigest: (tag, options) => {
      asked.push(tag);
      return store.tagDigest(tag, options);
    },
    referrers: (digest, options) => {
      asked.push(digest);
      return store.referrers(digest, options);
    },
    ...changes,
  });
  return { source, asked };
}

const tagsOf = (digest: Digest) =>
  (['sig', 'att', 'sbom'] as const).map((suffix) => cosignTag({ digest }, suffix));

describe('finding what belongs to an image', () => {
  it('asks four questions about an image that has nothing, and none about its children', async () => {
    const { source, asked } = asking(storeWith(index));
    expect(await findReferrers(source, subjects)).toEqual({ referrers: [], failures: [] });
    expect(asked.sort()).toEqual([root.digest, ...tagsOf(root.digest)].sort());
  });

  it('finds what names it as its subject and what stands under its tags, and then asks about the children', async () => {
    const store = storeWith(index);
    const sbom = holdArtifact(store, artifactOf('sbom', root));
    const signature = holdArtifact(store, cosignOf('signed root'), cosignTag(root));
    const ofChild = holdArtifact(store, cosignOf('signed child'), cosignTag(children[0] ?? root, 'att'));
    const { source, asked } = asking(store);

    expect(await findReferrers(source, subjects)).toEqual({
      referrers: [
        { digest: signature.digest, subject: root.digest, tag: cosignTag(root) },
        {
          digest: sbom.digest,
          subject: root.digest,
          descriptor: childOf(sbom, { artifactType: 'application/vnd.example.signature' }),
        },
        { digest: ofChild.digest, subject: children[0]?.digest, tag: cosignTag(children[0] ?? root, 'att') },
      ],
      failures: [],
    });
    expect(asked).toHaveLength(new Set(asked).size);
    expect(asked).toHaveLength(3 * 4 + 1);
  });

  it('looks two levels deep, at the image and at its children', async () => {
    const store = storeWith(index);
    const sbom = holdArtifact(store, artifactOf('sbom', root));
    const signature = holdArtifact(store, artifactOf('signature of the sbom', sbom));
    holdArtifact(store, artifactOf('signature of the signature', signature));
    const childSbom = holdArtifact(store, artifactOf('sbom of the child', children[0]));
    const childSignature = holdArtifact(store, artifactOf('signature of that', childSbom));

    const { referrers } = await findReferrers(asking(store).source, subjects);
    expect(new Set(referrers.map(({ digest }) => digest))).toEqual(
      new Set([sbom, signature, childSbom, childSignature].map(({ digest }) => digest)),
    );
  });

  it('takes what is found both ways only once, and keeps its tag', async () => {
    const store = storeWith(index);
    const both = holdArtifact(store, artifactOf('both', root), cosignTag(root));
    const { referrers } = await findReferrers(asking(store).source, [root.digest]);
    expect(referrers).toEqual([
      { digest: both.digest, subject: root.digest, tag: cosignTag(root), descriptor: expect.anything() },
    ]);
  });

  it('takes the same manifest under each of its tags', async () => {
    const store = storeWith(index);
    const sbom = cosignOf('the same everywhere');
    holdArtifact(store, cosignOf('signature'), cosignTag(root));
    for (const child of children) holdArtifact(store, sbom, cosignTag(child, 'sbom'));
    const { referrers } = await findReferrers(asking(store).source, subjects);
    expect(referrers.map(({ tag }) => tag)).toEqual([
      cosignTag(root),
      ...children.map((child) => cosignTag(child, 'sbom')),
    ]);
  });

  it('leaves out what is part of the image', async () => {
    const { source } = asking(storeWith(index), {
      referrers: async () => children.map((child) => childOf(child)),
    });
    expect((await findReferrers(source, subjects)).referrers).toEqual([]);
  });

  it('keeps nothing of an image that is mirrored as another index, and finds what its children have', async () => {
    const store = storeWith(index);
    holdArtifact(store, artifactOf('sbom', root));
    const ofChild = holdArtifact(store, artifactOf('sbom of the child', children[1]));
    const { referrers } = await findReferrers(asking(store).source, subjects, { withoutRoot: true });
    expect(referrers.map(({ digest }) => digest)).toEqual([ofChild.digest]);
  });

  it('cuts a list off and says so, and does not ask about the rest', async () => {
    const descriptors = Array.from({ length: 5_000 }, (_, i) => ({
      ...childOf(root),
      digest: digestOf(Buffer.from(`forged ${i}`)),
    }));
    const { source, asked } = asking(storeWith(index), {
      referrers: async (digest) => {
        asked.push(digest);
        return descriptors;
      },
    });
    const found = await findReferrers(source, [root.digest]);
    expect(found.referrers).toHaveLength(100);
    expect(found.failures).toEqual([
      { code: 'TOO_MANY_REFERRERS', reason: 'more than 100 are listed, and the others were left out' },
    ]);
    expect(asked.length).toBeLessThanOrEqual(104);
  });

  it('asks once about what is listed everywhere', async () => {
    const store = storeWith(index);
    const everywhere = childOf(artifactOf('everywhere').manifest);
    const { source, asked } = asking(store, {
      referrers: async (digest) => {
        asked.push(digest);
        return [everywhere];
      },
    });
    await findReferrers(source, subjects);
    expect(asked.filter((digest) => digest === everywhere.digest)).toHaveLength(1);
  });

  it('asks about a bounded number of children', async () => {
    const store = storeWith(index);
    holdArtifact(store, artifactOf('sbom', root));
    const many = Array.from({ length: 500 }, (_, i) => digestOf(Buffer.from(`child ${i}`)));
    const { source, asked } = asking(store);
    const found = await findReferrers(source, [root.digest, ...many]);
    expect(asked).toHaveLength(4 + 400 + 1);
    expect(found.failures).toMatchObject([{ code: 'TOO_MANY_REFERRERS' }]);
  });

  it('returns failures along with what was found', async () => {
    const store = storeWith(index);
    const signature = holdArtifact(store, cosignOf('signature'), cosignTag(root));
    const { source } = asking(store, {
      referrers: () => Promise.reject(temporaryFailure('down')),
    });
    const found = await findReferrers(source, [root.digest]);
    expect(found.referrers.map(({ digest }) => digest)).toEqual([signature.digest]);
    expect(found.failures).toEqual([
      { code: 'UNAVAILABLE', reason: 'down', temporary: true, side: 'upstream' },
    ]);
  });

  it('throws the reason of its signal, and nothing else', async () => {
    const abort = new AbortController();
    const { source } = asking(storeWith(index), {
      referrers: async () => {
        abort.abort(new Error('enough'));
        throw new Error('broken off');
      },
    });
    await expect(findReferrers(source, subjects, { signal: abort.signal })).rejects.toThrow('enough');
  });

  it('finds nothing if the source cannot be asked, and has no tags to ask for with sha512', async () => {
    expect(await findReferrers(sourceLike(new MemoryStore('up'), {}), subjects)).toEqual({
      referrers: [],
      failures: [],
    });
    const image = parsed(seededImage({ seed: 'sha512', layers: [] }).manifest);
    const { source, asked } = asking(new MemoryStore('up'));
    const digest = digestOf(image.bytes, 'sha512');
    await findReferrers(source, [digest]);
    expect(asked).toEqual([digest]);
  });
});
