import { beforeEach, describe, expect, it } from 'vitest';
import type { ImageDestination, ImageSource } from '../../../../core/copy/ports.ts';
import { copyReferrers } from '../../../../core/copy/referrers/copy-referrers.ts';
import { findReferrers } from '../../../../core/copy/referrers/find-referrers.ts';
import { mayBringMore, summariseReferrers } from '../../../../core/copy/referrers/referrers.ts';
import type { Manifest } from '../../../../core/oci/manifest.ts';
import { mediaTypes } from '../../../../core/oci/media-types.ts';
import { RegistryError } from '../../../../core/registry/errors.ts';
import { blobOf, childOf, manifestOf, parsed, storeWith } from '../../../support/memory-image.ts';
import { MemoryStore } from '../../../support/memory-store.ts';
import { countingMirror, destinationLike, sourceLike } from '../../../support/recording-stores.ts';
import { seededImage } from '../../../support/seeded-image.ts';
import { artifactOf, cosignOf, cosignTag, holdArtifact } from '../../../support/signed-image.ts';

const image = seededImage({ seed: 'signed', layers: [{ size: 100 }] });
const root = parsed(image.manifest);
const type = 'application/vnd.example.signature';

let upstream: MemoryStore;
let mirror: MemoryStore;
beforeEach(() => {
  upstream = storeWith(image);
  mirror = new MemoryStore('mirror.example/app');
});

async function copy(
  source: ImageSource = upstream,
  destination: ImageDestination = mirror,
  options: Parameters<typeof copyReferrers>[3] = {},
) {
  const found = await findReferrers(upstream, [root.digest]);
  return await copyReferrers(source, destination, found, { pause: async () => {}, ...options });
}

function refusal(code: string, more: { status?: number; temporary?: boolean; retryAfterMs?: number } = {}) {
  return new RegistryError(
    { side: 'mirror', registry: 'mirror.example', operation: 'put manifest' },
    { code, reason: 'refused', ...more },
  );
}

/** A mirror that refuses some manifests. */
function refusing(refused: Manifest[], error: unknown) {
  const counts = new Map<string, number>();
  const destination = destinationLike(mirror, {
    putManifest: async (manifest, reference, options) => {
      counts.set(manifest.digest, (counts.get(manifest.digest) ?? 0) + 1);
      if (refused.some(({ digest }) => digest === manifest.digest)) throw error;
      return mirror.putManifest(manifest, reference, options);
    },
  });
  return { destination, counts };
}

describe('copying what belongs to an image', () => {
  it('puts referrers by digest and what cosign keeps under its tag', async () => {
    const sbom = holdArtifact(upstream, artifactOf('sbom', root));
    const signature = holdArtifact(upstream, cosignOf('signature'), cosignTag(root));
    const outcome = await copy();

    expect(outcome.copied).toEqual([
      { digest: signature.digest, artifactType: mediaTypes.ociConfig, tag: cosignTag(root) },
      { digest: sbom.digest, artifactType: type },
    ]);
    expect(outcome.missing).toEqual([]);
    expect(summariseReferrers(outcome)).toEqual({ copied: 2, missing: [] });
    expect(mirror.tags).toEqual(new Map([[cosignTag(root), signature.digest]]));
    expect(mirror.manifests.get(sbom.digest)?.bytes).toEqual(sbom.bytes);
    expect(outcome.transfer.copied.blobs).toBe(4);
  });

  it('reads nothing from upstream when the mirror has everything', async () => {
    holdArtifact(upstream, artifactOf('sbom', root));
    holdArtifact(upstream, cosignOf('signature'), cosignTag(root));
    await copy();
    const silent = sourceLike(upstream, {
      manifest: () => Promise.reject(new Error('asked')),
      blob: () => Promise.reject(new Error('asked')),
    });
    const { destination, counts } = refusing([], undefined);
    const outcome = await copy(silent, destination);
    expect(outcome).toMatchObject({ missing: [], transfer: { copied: { blobs: 0 } } });
    expect(outcome.copied).toHaveLength(2);
    expect(counts.size).toBe(0);
  });

  it('moves the tag of an image that was signed again', async () => {
    holdArtifact(upstream, cosignOf('signature'), cosignTag(root));
    await copy();
    const both = holdArtifact(upstream, cosignOf('two signatures'), cosignTag(root));
    await copy();
    expect(mirror.tags.get(cosignTag(root))).toBe(both.digest);
  });

  it('copies a blob once even if several have it', async () => {
    for (let i = 0; i < 10; i++) holdArtifact(upstream, artifactOf(`sbom ${i}`, root));
    const { destination, sessions } = countingMirror(mirror);
    const outcome = await copy(upstream, destination);
    expect(outcome.copied).toHaveLength(10);
    expect(sessions).toHaveLength(11);
    expect(outcome.transfer).toMatchObject({ copied: { blobs: 11 }, present: { blobs: 0 } });
  });

  it.each([
    [refusal('UNSUPPORTED', { status: 405 })],
    [refusal('MANIFEST_INVALID', { status: 400 })],
    [refusal('TAG_INVALID', { status: 400 })],
  ])('continues with the others when the mirror refuses one: %s', async (error) => {
    const refused = holdArtifact(upstream, artifactOf('refused', root));
    const taken = holdArtifact(upstream, artifactOf('taken', root));
    const { destination, counts } = refusing([refused], error);
    const outcome = await copy(upstream, destination);
    expect(outcome.copied.map(({ digest }) => digest)).toEqual([taken.digest]);
    expect(outcome.missing).toEqual([
      { digest: refused.digest, artifactType: type, code: error.code, reason: error.message },
    ]);
    expect(counts.get(refused.digest)).toBe(1);
  });

  it('reports a blob that the mirror does not accept, also to those that wait for it', async () => {
    const artifacts = ['one', 'two'].map((name) => holdArtifact(upstream, artifactOf(name, root)));
    const other = holdArtifact(upstream, cosignOf('signature'), cosignTag(root));
    const empty = blobOf('{}').digest;
    const destination = destinationLike(mirror, {
      openUpload: (blob, options) =>
        blob.digest === empty ? Promise.reject(refusal('EMPTY_BLOB')) : mirror.openUpload(blob, options),
    });
    const outcome = await copy(upstream, destination);
    expect(outcome.copied.map(({ digest }) => digest)).toEqual([other.digest]);
    expect(outcome.missing).toMatchObject(artifacts.map(({ digest }) => ({ digest, code: 'EMPTY_BLOB' })));
  });

  it('reports what upstream lists but does not have', async () => {
    const gone = holdArtifact(upstream, artifactOf('gone', root));
    const found = await findReferrers(upstream, [root.digest]);
    upstream.manifests.delete(gone.digest);
    const outcome = await copyReferrers(upstream, mirror, found);
    expect(outcome.missing).toMatchObject([
      { digest: gone.digest, artifactType: type, code: 'MANIFEST_UNKNOWN' },
    ]);
  });

  it.each(['another image', 'no subject', 'a wrong size'])(
    'does not copy what a list is wrong about: %s',
    async (how) => {
      const other =
        how === 'no subject' ? undefined : parsed(seededImage({ seed: 'other', layers: [] }).manifest);
      const artifact = artifactOf('forged', how === 'a wrong size' ? root : other);
      const forged = holdArtifact(upstream, artifact);
      const descriptor = childOf(forged, how === 'a wrong size' ? { size: 1 } : {});
      const referrers = [{ digest: forged.digest, subject: root.digest, descriptor }];
      const outcome = await copyReferrers(upstream, mirror, { referrers, failures: [] });
      expect(outcome.missing).toMatchObject([
        { digest: forged.digest, code: how === 'a wrong size' ? 'SIZE_INVALID' : 'SUBJECT_INVALID' },
      ]);
      expect(mirror.blobs.size + mirror.manifests.size).toBe(0);
    },
  );

  it('leaves out what is too large, before copying any of it', async () => {
    holdArtifact(upstream, artifactOf('x'.repeat(10_000), root));
    const outcome = await copy(upstream, mirror, { maxBytes: 10_000 });
    expect(outcome.missing).toMatchObject([{ code: 'REFERRER_TOO_LARGE' }]);
    expect(mirror.blobs.size).toBe(0);
  });

  it('retries what fails for now, a bounded number of times', async () => {
    const failing = holdArtifact(upstream, artifactOf('failing', root));
    const { destination, counts } = refusing(
      [failing],
      refusal('UNAVAILABLE', { temporary: true, status: 503 }),
    );
    const outcome = await copy(upstream, destination, { attempts: 3 });
    expect(outcome.missing).toMatchObject([{ code: 'UNAVAILABLE', temporary: true }]);
    expect(counts.get(failing.digest)).toBe(3);

    const passing = destinationLike(mirror, {
      putManifest: async (manifest, reference, options) => {
        if (failures-- > 0) throw refusal('UNAVAILABLE', { temporary: true });
        return mirror.putManifest(manifest, reference, options);
      },
    });
    let failures = 1;
    expect((await copy(upstream, passing)).copied).toHaveLength(1);
  });

  it('stops asking a registry whose rate limit is reached', async () => {
    for (let i = 0; i < 20; i++) holdArtifact(upstream, artifactOf(`sbom ${i}`, root));
    let asked = 0;
    const limited = sourceLike(upstream, {
      manifest: async () => {
        asked += 1;
        throw refusal('TOOMANYREQUESTS', { temporary: true, status: 429 });
      },
    });
    const outcome = await copy(limited, mirror, { concurrency: 2 });
    expect(asked).toBeLessThanOrEqual(2);
    expect(outcome.missing).toHaveLength(20);
    expect(outcome.missing.every(({ temporary }) => temporary)).toBe(true);
  });

  it('reports a bounded number of bounded texts', async () => {
    for (let i = 0; i < 60; i++)
      holdArtifact(upstream, artifactOf(`sbom ${i}`, root, `application/${'x'.repeat(5_000)}`));
    const destination = destinationLike(mirror, {
      putManifest: () => Promise.reject(refusal('UNSUPPORTED\n'.repeat(100))),
    });
    const outcome = await copy(upstream, destination);
    expect(outcome.missing).toHaveLength(20);
    expect(outcome.moreMissing).toBe(40);
    expect(JSON.stringify(summariseReferrers(outcome)).length).toBeLessThan(20 * 800);
    expect(JSON.stringify(outcome)).not.toContain('\\n');
  });

  it('says why the list may lack something', async () => {
    const failures = [
      { code: 'DENIED', reason: 'no' },
      { code: 'OTHER', reason: 'no' },
    ];
    const outcome = await copyReferrers(upstream, mirror, { referrers: [], failures });
    expect(summariseReferrers(outcome)).toEqual({ copied: 0, missing: [], incomplete: failures[0] });

    const passing = { code: 'UNAVAILABLE', reason: 'down', temporary: true as const };
    const later = await copyReferrers(upstream, mirror, { referrers: [], failures: [...failures, passing] });
    expect(later.incomplete).toEqual(passing);
    expect([mayBringMore(outcome), mayBringMore(later)]).toEqual([false, true]);
  });

  it('copies an index that refers to the image, with its children', async () => {
    const child = artifactOf('a part', undefined);
    holdArtifact(upstream, child);
    const index = manifestOf({
      schemaVersion: 2,
      mediaType: mediaTypes.ociIndex,
      artifactType: 'application/vnd.example.parts',
      manifests: [childOf(child.manifest)],
      subject: childOf(root),
    });
    upstream.manifests.set(index.digest, index);
    expect((await copy()).copied).toEqual([
      { digest: index.digest, artifactType: 'application/vnd.example.parts' },
    ]);
    expect(mirror.manifests.has(child.manifest.digest)).toBe(true);
  });

  it('ends with the reason of its signal', async () => {
    holdArtifact(upstream, artifactOf('sbom', root));
    const abort = new AbortController();
    const stuck = sourceLike(upstream, {
      manifest: async () => {
        abort.abort(new Error('enough'));
        throw new Error('broken off');
      },
    });
    await expect(copy(stuck, mirror, { signal: abort.signal })).rejects.toThrow('enough');
  });
});
