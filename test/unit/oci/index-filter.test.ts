import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../core/oci/digest.ts';
import { availablePlatforms, filterIndex, NoMatchingPlatformError } from '../../../core/oci/index-filter.ts';
import { type ImageIndex, InvalidManifestError, parseManifest } from '../../../core/oci/manifest.ts';
import { mediaTypes } from '../../../core/oci/media-types.ts';
import { parsePlatform } from '../../../core/oci/platform.ts';
import { attestation, child, descriptor, digestOfName, encode, ociIndex } from './manifests.ts';

// Always the same cases, so that a failure is reproducible.

const read = (body: unknown) => parseManifest(encode(body)) as ImageIndex;
const platforms = (...texts: string[]) => texts.map(parsePlatform);

/** As BuildKit writes it: children first, their attestations after them. */
const built = [
  child('linux/amd64'),
  child('linux/arm64/v8'),
  child('linux/arm/v7'),
  attestation('linux/amd64'),
  attestation('linux/arm64/v8'),
  attestation('linux/arm/v7'),
];

describe('filterIndex', () => {
  it('keeps the wanted children and their attestations, in order, under a new digest', () => {
    const index = read(ociIndex(built));
    const before = index.bytes.slice();
    const filtered = filterIndex(index, platforms('linux/arm64', 'linux/amd64'));
    expect(filtered?.manifests).toEqual([0, 1, 3, 4].map((i) => index.manifests[i]));
    expect(filtered).toMatchObject({ kind: 'index', mediaType: mediaTypes.ociIndex });
    expect(filtered?.digest).toBe(digestOf(filtered?.bytes ?? new Uint8Array()));
    expect(filtered?.digest).not.toBe(index.digest);
    expect(index.bytes).toEqual(before);
  });

  it('makes the same bytes each time, and filters nothing more from its own result', () => {
    const index = read(ociIndex(built));
    const once = filterIndex(index, platforms('linux/amd64')) as ImageIndex;
    expect(filterIndex(index, platforms('linux/x86_64'))?.bytes).toEqual(once.bytes);
    expect(filterIndex(once, platforms('linux/amd64'))).toBeUndefined();
  });

  it('keeps type, annotations, subject and unknown fields', () => {
    const body = ociIndex([{ ...child('linux/amd64'), future: [1] }, child('linux/s390x')], {
      mediaType: mediaTypes.dockerManifestList,
      annotations: { a: 'b' },
      subject: descriptor(mediaTypes.ociManifest, 'subject'),
      future: { x: null },
    });
    const filtered = filterIndex(read(body), platforms('linux/amd64')) as ImageIndex;
    expect(JSON.parse(new TextDecoder().decode(filtered.bytes))).toEqual({
      ...body,
      manifests: [{ ...child('linux/amd64'), future: [1] }],
    });
    expect(filtered).toMatchObject({ mediaType: mediaTypes.dockerManifestList, annotations: { a: 'b' } });
  });

  it('keeps the type of an index that only its header gave', () => {
    const bytes = encode(ociIndex(built, { mediaType: undefined }));
    const index = parseManifest(bytes, mediaTypes.dockerManifestList) as ImageIndex;
    expect(filterIndex(index, platforms('linux/amd64'))?.mediaType).toBe(mediaTypes.dockerManifestList);
  });

  it('keeps the digest’s algorithm', () => {
    const bytes = encode(ociIndex(built));
    const index = parseManifest(bytes, undefined, digestOf(bytes, 'sha512')) as ImageIndex;
    expect(filterIndex(index, platforms('linux/amd64'))?.digest).toMatch(/^sha512:/);
  });

  it.each([
    ['all are wanted', built, platforms('linux/amd64', 'linux/arm64', 'linux/arm')],
    ['no platforms are named', built, []],
    ['there is nothing to drop', [], platforms('linux/amd64')],
    [
      'its children name no platform',
      [
        descriptor(mediaTypes.ociManifest, 'a'),
        descriptor('a/b', 'c', { platform: { os: '', architecture: '' } }),
      ],
      platforms('linux/amd64'),
    ],
  ])('is undefined if %s', (_, manifests, wanted) => {
    expect(filterIndex(read(ociIndex(manifests)), wanted)).toBeUndefined();
  });

  it('keeps a child without a platform beside a wanted one, and drops attestations of what it drops', () => {
    const unnamed = descriptor(mediaTypes.ociManifest, 'unnamed');
    const stray = attestation('somewhere else');
    const untold = { ...attestation('linux/s390x'), platform: undefined };
    const index = read(ociIndex([child('linux/s390x'), unnamed, child('linux/amd64'), stray, untold]));
    const kept = filterIndex(index, platforms('linux/amd64'))?.manifests.map(({ digest }) => digest);
    expect(kept).toEqual([digestOfName('unnamed'), digestOfName('linux/amd64')]);
  });

  it('throws if nothing is left, and says what exists', () => {
    const index = read(ociIndex([...built, child('linux/amd64')]));
    const filter = () => filterIndex(index, platforms('linux/s390x', 'windows/amd64'));
    expect(filter).toThrow(NoMatchingPlatformError);
    expect(filter).toThrow(
      'no image for linux/s390x, windows/amd64: available platforms are linux/amd64, linux/arm64/v8, linux/arm/v7; ask for one of those',
    );
    expect(() => filterIndex(read(ociIndex([attestation('x')])), platforms('linux/amd64'))).toThrow(
      /available platforms are none/,
    );
  });

  it('names a few of many platforms, each shortened and without control characters', () => {
    const many = Array.from({ length: 25 }, (_, i) => ({
      ...child(`linux/cpu${i}`),
      platform: { architecture: 'amd64', os: `os${i}\n\u001b[2J${'x'.repeat(20_000)}` },
    }));
    const filter = () => filterIndex(read(ociIndex(many)), platforms('linux/amd64'));
    let error: unknown;
    try {
      filter();
    } catch (thrown) {
      error = thrown;
    }
    if (!(error instanceof NoMatchingPlatformError)) throw error;
    expect(error.available).toHaveLength(20);
    expect(error.message).toContain('os0 [2Jxxx');
    expect(error.message).toContain('and 5 more; ask for one of those');
    expect(error.message.length).toBeLessThan(2_000);
    expect(error.message).not.toMatch(/\p{Cc}/u);
  });

  it('refuses an index that cannot be serialised again', () => {
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
    const body = JSON.stringify(ociIndex(built)).replace('{', `{"future":${deep},`);
    const index = parseManifest(encode(body)) as ImageIndex;
    expect(() => filterIndex(index, platforms('linux/amd64'))).toThrow(InvalidManifestError);
  });

  it('never returns an attestation without its child, or a child that was not there', () => {
    const names = ['linux/amd64', 'linux/arm64/v8', 'linux/arm/v7', 'windows/amd64'];
    const children = fc.uniqueArray(
      fc.oneof(
        fc.constantFrom(...names).map((name) => child(name)),
        fc.constantFrom(...names).map(attestation),
      ),
      { selector: (c) => c.digest },
    );
    fc.assert(
      fc.property(children, fc.subarray(names, { minLength: 1 }), (manifests, wanted) => {
        const index = read(ociIndex(manifests));
        const wantedChildren = manifests.filter((c) =>
          wanted.some((name) => c.digest === digestOfName(name)),
        );
        if (manifests.length > 0 && wantedChildren.length === 0) {
          expect(() => filterIndex(index, platforms(...wanted))).toThrow(NoMatchingPlatformError);
          return;
        }
        const kept = (filterIndex(index, platforms(...wanted)) ?? index).manifests.map((c) => c.digest);
        const expected = manifests.filter((c) => {
          const about = 'annotations' in c ? (c.annotations as Record<string, string>) : undefined;
          const subject = about?.['vnd.docker.reference.digest'] ?? c.digest;
          return wantedChildren.some((w) => w.digest === subject);
        });
        expect(kept).toEqual(expected.map((c) => c.digest));
      }),
    );
  });
});

describe('availablePlatforms', () => {
  it('names each once and leaves out attestations', () => {
    expect(availablePlatforms(read(ociIndex([...built, child('linux/amd64')])))).toEqual([
      'linux/amd64',
      'linux/arm64/v8',
      'linux/arm/v7',
    ]);
  });
});
