import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../core/oci/digest.ts';
import { availablePlatforms, filterIndex } from '../../../core/oci/index-filter.ts';
import {
  type InvalidManifestCode,
  InvalidManifestError,
  maxDescriptors,
  maxManifestBytes,
  parseManifest,
} from '../../../core/oci/manifest.ts';
import { mediaTypes } from '../../../core/oci/media-types.ts';
import { child, descriptor, digestOfName, dockerImage, encode, ociImage, ociIndex } from './manifests.ts';

/** Expects a refusal with that code and a message that matches. */
function expectRefused(
  body: unknown,
  message: RegExp,
  code: InvalidManifestCode = 'MANIFEST_INVALID',
  mediaType?: string,
): void {
  const bytes = body instanceof Uint8Array ? body : encode(body);
  let error: unknown;
  try {
    parseManifest(bytes, mediaType);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(InvalidManifestError);
  expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
  expect((error as Error).message.length).toBeLessThan(600);
}

const layerWith = (more: Record<string, unknown>) =>
  ociImage({
    layers: [descriptor(mediaTypes.ociLayer, 'fine'), descriptor(mediaTypes.ociLayer, 'broken', more)],
  });

describe('what some clients would read as something else', () => {
  it.each([
    ['Manifests', { ...ociIndex(), Manifests: [] }, /Manifests: some clients would read this as manifests/],
    ['MEDIATYPE', { ...ociImage(), MEDIATYPE: mediaTypes.ociIndex }, /MEDIATYPE: /],
    ['Layers', { ...ociImage(), Layers: [] }, /Layers: /],
    ['a long s', { ...ociImage(), 'layer\u017f': [] }, /as layers/],
    ['a layer’s digest', layerWith({ Digest: digestOfName('other') }), /layers\[1\]\.Digest: .* as digest/],
    [
      'a platform',
      {
        ...ociIndex(),
        manifests: [child('a', { platform: { os: 'linux', architecture: 'amd64', OS: 'windows' } })],
      },
      /platform\.OS: /,
    ],
  ])('%s', (_, body, message) => expectRefused(body, message));
});

describe('what is not a manifest', () => {
  it.each([
    ['nothing', ''],
    ['a page', '<html><body>Log in</body></html>'],
    ['half a manifest', JSON.stringify(ociImage()).slice(0, -1)],
    ['two documents', `${JSON.stringify(ociImage())}{}`],
    ['a byte order mark', `\ufeff${JSON.stringify(ociImage())}`],
    ['very deep nesting', '['.repeat(100_000)],
  ])('refuses %s', (_, text) => {
    expectRefused(text, /is not JSON in UTF-8 \(\d+ bytes\)/);
  });

  it('refuses what is not UTF-8', () => {
    const bytes = encode(ociImage({ annotations: { key: 'value' } }));
    bytes[bytes.length - 5] = 0xff;
    expectRefused(bytes, /is not JSON in UTF-8/);
  });

  it.each(['null', '[]', '7', '"text"', 'true'])('refuses %s', (text) => {
    expectRefused(text, /the manifest: must be a JSON object, but is/);
  });

  it('refuses more than 4 MiB, and takes exactly that', () => {
    const body = JSON.stringify(ociImage());
    const padded = (length: number) => encode(body + ' '.repeat(length - body.length));
    expect(parseManifest(padded(maxManifestBytes)).bytes).toHaveLength(4 * 1024 * 1024);
    expectRefused(padded(maxManifestBytes + 1), /it has 4194305 bytes, more than 4194304/);
  });

  it('refuses more than 10,000 descriptors, and takes exactly that', () => {
    const image = (length: number) =>
      ociImage({ layers: Array.from({ length }, () => descriptor('a/b', 'same')) });
    expect(parseManifest(encode(image(maxDescriptors)))).toHaveProperty('layers.length', 10_000);
    expectRefused(
      image(maxDescriptors + 1),
      /layers: 10001 descriptors are more than 10000; split the image/,
    );
    expectRefused(ociIndex(image(10_001).layers), /manifests: 10001 descriptors are more than 10000/);
  });
});

describe('a manifest that was not asked for', () => {
  it('refuses another digest, and names both', () => {
    const bytes = encode(ociImage());
    const asked = digestOfName('something else');
    const read = () => parseManifest(bytes, mediaTypes.ociManifest, asked);
    expect(read).toThrow(InvalidManifestError);
    expect(read).toThrow(expect.objectContaining({ code: 'DIGEST_INVALID' }));
    expect(read).toThrow(new RegExp(`its digest is ${digestOf(bytes)}, but ${asked} was requested`));
  });

  it('refuses one byte more', () => {
    const bytes = encode(ociImage());
    expect(() => parseManifest(Buffer.concat([bytes, encode('\n')]), undefined, digestOf(bytes))).toThrow(
      expect.objectContaining({ code: 'DIGEST_INVALID' }),
    );
  });
});

describe('schema 1', () => {
  const remedy = /schema 1.*ask the publisher to push it again with a current client/;
  const body = { schemaVersion: 1, name: 'library/old', tag: '1', fsLayers: [], history: [], signatures: [] };

  it.each([
    ['by header', {}, mediaTypes.dockerSchema1],
    ['signed, by header', {}, `${mediaTypes.dockerSchema1Signed}; charset=utf-8`],
    ['by body', body, undefined],
    ['by body, with a generic header', body, 'application/json'],
    [
      'by the body’s media type',
      { ...body, schemaVersion: 2, mediaType: mediaTypes.dockerSchema1Signed },
      '',
    ],
    ['by body, under another header', body, mediaTypes.dockerManifest],
  ])('refuses it %s', (_, value, mediaType) => {
    expectRefused(value, remedy, 'MANIFEST_UNSUPPORTED', mediaType);
  });

  it('reports that rather than a different digest, which leaves out the signatures', () => {
    expect(() => parseManifest(encode(body), mediaTypes.dockerSchema1Signed, digestOfName('x'))).toThrow(
      remedy,
    );
  });
});

describe('what could be read in two ways (CVE-2021-41190)', () => {
  const ambiguous = /CVE-2021-41190.*ask the publisher to push the image again/;

  it.each([
    ['an image with manifests', ociImage({ manifests: [] }), /manifests: has no place/],
    ['an index with layers', ociIndex([], { layers: [] }), /layers: has no place/],
    ['an index with a config', ociIndex([], { config: ociImage().config }), /config: has no place/],
    ['an image with fsLayers', dockerImage({ fsLayers: [] }), /fsLayers: has no place/],
    ['both, without a type', { ...ociImage(), ...ociIndex(), mediaType: undefined }, /has no place/],
  ])('refuses %s', (_, body, path) => {
    expectRefused(body, path);
    expectRefused(body, ambiguous);
  });

  it('refuses an image that is announced as an index, and vice versa', () => {
    const untyped = { mediaType: undefined };
    expectRefused(ociImage(untyped), ambiguous, 'MANIFEST_INVALID', mediaTypes.ociIndex);
    expectRefused(ociIndex(undefined, untyped), ambiguous, 'MANIFEST_INVALID', mediaTypes.ociManifest);
  });

  it.each([
    [ociImage(), mediaTypes.dockerManifest],
    [ociImage(), mediaTypes.ociIndex],
    [dockerImage(), mediaTypes.ociManifest],
    [ociIndex(), mediaTypes.dockerManifestList],
    [ociImage(), 'text/html'],
  ])('refuses a body that contradicts the header, %#', (body, mediaType) => {
    expectRefused(
      body,
      new RegExp(
        `mediaType: "${body.mediaType.replaceAll(/[.+]/g, '\\$&')}" in the body, but ".*" was announced`,
      ),
      'MANIFEST_INVALID',
      mediaType,
    );
  });
});

describe('types that are not copied', () => {
  it.each([mediaTypes.ociArtifactManifest, mediaTypes.ociConfig, 'text/html', 'x'])(
    'refuses %s',
    (mediaType) => {
      expectRefused(
        ociImage({ mediaType }),
        /is not an image manifest or index; ask the publisher/,
        'MANIFEST_UNSUPPORTED',
      );
      expectRefused(
        ociImage({ mediaType: undefined }),
        /is not an image manifest or index/,
        'MANIFEST_UNSUPPORTED',
        mediaType,
      );
    },
  );

  it('refuses an object that says nothing about itself', () => {
    expectRefused({ schemaVersion: 2 }, /mediaType: there is none/);
  });
});

describe('wrong fields', () => {
  it.each<[unknown, RegExp]>([
    [ociImage({ schemaVersion: '2' }), /schemaVersion: must be a number, but is "2"/],
    [ociImage({ mediaType: 7 }), /mediaType: must be a string, but is 7/],
    [ociImage({ artifactType: ['x'] }), /artifactType: must be a string, but is an array of 1/],
    [ociImage({ config: undefined }), /config: must be a JSON object, but is missing/],
    [ociImage({ config: null }), /config: must be a JSON object, but is null/],
    [ociImage({ config: [] }), /config: must be a JSON object, but is an array of 0/],
    [ociImage({ layers: {} }), /layers: must be an array of descriptors, but is an object/],
    [ociImage({ layers: [null] }), /layers\[0\]: must be a JSON object, but is null/],
    [ociImage({ layers: ['x'.repeat(9999)] }), /layers\[0\]: must be a JSON object, but is "xxx/],
    [ociImage({ annotations: [] }), /annotations: must be a JSON object/],
    [ociImage({ annotations: { a: 1 } }), /annotations\["a"\]: must be a string, but is 1/],
    [ociImage({ subject: 'sha256:' }), /subject: must be a JSON object, but is "sha256:"/],
    [ociImage({ subject: {} }), /subject\.digest: must be sha256: or sha512:.*, but is missing/],
    [layerWith({ size: -1 }), /layers\[1\]\.size: must be a whole number of bytes.*, but is -1; ask/],
    [layerWith({ size: 1.5 }), /layers\[1\]\.size: .*but is 1.5/],
    [layerWith({ size: 2 ** 53 }), /layers\[1\]\.size: .*but is 9007199254740992/],
    [layerWith({ size: '12' }), /layers\[1\]\.size: .*but is "12"/],
    [layerWith({ size: null }), /layers\[1\]\.size: .*but is null/],
    [layerWith({ size: undefined }), /layers\[1\]\.size: .*but is missing/],
    [layerWith({ digest: 'sha256:abc' }), /layers\[1\]\.digest: must be .* but is "sha256:abc"/],
    [layerWith({ digest: '../../x' }), /layers\[1\]\.digest/],
    [layerWith({ digest: `sha384:${'0'.repeat(96)}` }), /layers\[1\]\.digest/],
    [layerWith({ digest: digestOfName('x').toUpperCase() }), /layers\[1\]\.digest/],
    [layerWith({ mediaType: 7 }), /layers\[1\]\.mediaType: must be a media type.*, but is 7/],
    [layerWith({ mediaType: 'a/b\r\nX-Evil: 1' }), /layers\[1\]\.mediaType/],
    [layerWith({ mediaType: 'a'.repeat(256) }), /layers\[1\]\.mediaType/],
    [layerWith({ urls: 'https://a' }), /layers\[1\]\.urls: must be an array of strings/],
    [layerWith({ urls: [1] }), /layers\[1\]\.urls\[0\]: must be a string, but is 1/],
    [layerWith({ data: 7 }), /layers\[1\]\.data: must be a string/],
    [layerWith({ annotations: { 'a\n': {} } }), /layers\[1\]\.annotations\["a\\n"\]: .*but is an object/],
    [ociIndex({}), /manifests: must be an array of descriptors, but is an object/],
    [
      ociIndex([child('linux/amd64', { platform: 'linux/amd64' })]),
      /manifests\[0\]\.platform: must be a JSON/,
    ],
    [
      ociIndex([child('linux/amd64', { platform: { os: 1, architecture: 'x' } })]),
      /platform\.os: .*but is 1/,
    ],
    [
      ociIndex([child('x/y', { platform: { os: 'x', architecture: 'y', variant: 8 } })]),
      /manifests\[0\]\.platform\.variant: must be a string, but is 8/,
    ],
    [
      ociIndex([child('x/y', { platform: { os: 'x', architecture: 'y', 'os.features': 'z' } })]),
      /manifests\[0\]\.platform\.os\.features: must be an array of strings, but is "z"/,
    ],
  ])('refuses %#: %s', (body, message) => {
    expectRefused(body, message);
  });

  it('refuses one blob with two sizes', () => {
    const layer = descriptor(mediaTypes.ociLayer, 'layer');
    expectRefused(
      ociImage({ layers: [layer, { ...layer, size: 6 }] }),
      /layers\[1\]\.size: must be 5, as the manifest says elsewhere for sha256:[0-9a-f]{64}, but is 6/,
    );
    expectRefused(
      ociImage({ layers: [{ ...ociImage().config, size: 1 }] }),
      /layers\[0\]\.size: must be 6, as/,
    );
  });
});

describe('odd fields that other clients copy, too', () => {
  const parse = (body: unknown) => parseManifest(Buffer.from(JSON.stringify(body)), undefined);

  it.each<[string, unknown]>([
    ['no schemaVersion', ociImage({ schemaVersion: undefined })],
    ['a schemaVersion of null', ociImage({ schemaVersion: null })],
    ['another schemaVersion', ociImage({ schemaVersion: 3 })],
    ['no layers', ociImage({ layers: undefined })],
    ['layers of null', ociImage({ layers: null })],
    ['an annotation of null', ociImage({ annotations: { a: null, b: 'x' } })],
    ['an empty media type of its own', ociImage({ mediaType: '' })],
    ['a layer without a media type', layerWith({ mediaType: undefined })],
    ['a layer with an empty media type', layerWith({ mediaType: '' })],
    ['a layer with a media type of null', layerWith({ mediaType: null })],
    ['a layer’s annotation of null', layerWith({ annotations: { a: null } })],
    ['no manifests', ociIndex(undefined, { manifests: undefined })],
    ['an empty platform', ociIndex([child('linux/amd64', { platform: {} })])],
    ['a platform without os', ociIndex([child('linux/amd64', { platform: { architecture: 'amd64' } })])],
    ['a platform without architecture', ociIndex([child('linux/amd64', { platform: { os: 'linux' } })])],
  ])('%s: the bytes stay as they are', (_, body) => {
    const bytes = Buffer.from(JSON.stringify(body));
    expect(parse(body)).toMatchObject({ bytes, digest: digestOf(bytes) });
  });

  it('a child with half a platform stays when an index is filtered, and is not an available platform', () => {
    const index = parse(
      ociIndex([
        child('linux/amd64'),
        child('linux/arm64'),
        child('half', { platform: { os: 'linux' } }),
        child('none', { platform: {} }),
      ]),
    );
    if (index.kind !== 'index') throw new Error(index.kind);
    const filtered = filterIndex(index, [{ os: 'linux', architecture: 'amd64' }]);
    expect(filtered?.manifests.map(({ digest }) => digest)).toEqual(
      [0, 2, 3].map((n) => index.manifests[n]?.digest),
    );
    expect(availablePlatforms(index)).toEqual(['linux/amd64', 'linux/arm64']);
  });
});
