import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '../../../core/oci/digest.ts';
import { InvalidManifestError, parseManifest } from '../../../core/oci/manifest.ts';
import { mediaTypes } from '../../../core/oci/media-types.ts';
import { encode } from './manifests.ts';

// Always the same cases, so that a failure is reproducible.

const seldom = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
const header = seldom(
  fc.constantFrom(...Object.values(mediaTypes), 'application/json', 'text/html', 'text/html;', ';'),
);
const digest = fc
  .uint8Array({ minLength: 1, maxLength: 4 })
  .chain((bytes) => fc.constantFrom<Digest>(digestOf(bytes), digestOf(bytes, 'sha512')));
const text = fc.string({ unit: 'grapheme', maxLength: 8 });
const annotations = fc.dictionary(text, text, { maxKeys: 3 });
const platform = fc.record(
  { os: text, architecture: text, variant: text.filter((v) => v !== ''), 'os.features': fc.array(text) },
  { requiredKeys: ['os', 'architecture'], noNullPrototype: true },
);
const descriptor = fc.record(
  {
    mediaType: fc.stringMatching(/^[a-z]{1,9}\/[a-z+.]{1,9}$/),
    digest,
    size: fc.maxSafeNat(),
    annotations,
    urls: fc.array(fc.webUrl(), { maxLength: 2 }),
    artifactType: text,
    data: fc.base64String({ maxLength: 8 }),
    platform,
  },
  { requiredKeys: ['mediaType', 'digest', 'size'], noNullPrototype: true },
);
const descriptors = fc.uniqueArray(descriptor, { selector: (d) => d.digest, maxLength: 6 });
const common = { subject: descriptor, artifactType: text, annotations };
const image = fc.record(
  {
    schemaVersion: fc.constant(2),
    mediaType: fc.constantFrom(mediaTypes.ociManifest, mediaTypes.dockerManifest),
    layers: descriptors,
    ...common,
  },
  { requiredKeys: ['schemaVersion', 'mediaType', 'layers'], noNullPrototype: true },
);
const index = fc.record(
  {
    schemaVersion: fc.constant(2),
    mediaType: fc.constantFrom(mediaTypes.ociIndex, mediaTypes.dockerManifestList),
    manifests: descriptors,
    ...common,
  },
  { requiredKeys: ['schemaVersion', 'mediaType', 'manifests'], noNullPrototype: true },
);
const config = { mediaType: mediaTypes.ociConfig, digest: digestOf(encode('config')), size: 6 };

/** Objects with a manifest's fields, but anything in them. */
const nearly = fc.record(
  {
    schemaVersion: fc.oneof({ weight: 5, arbitrary: fc.constant(2) }, fc.jsonValue()),
    mediaType: fc.oneof(fc.constantFrom(...Object.values(mediaTypes)), fc.jsonValue()),
    config: fc.oneof(descriptor, fc.jsonValue()),
    layers: fc.oneof(descriptors, fc.array(fc.jsonValue()), fc.jsonValue()),
    manifests: fc.oneof(descriptors, fc.array(fc.jsonValue()), fc.jsonValue()),
    annotations: fc.oneof(annotations, fc.jsonValue()),
    subject: fc.oneof(descriptor, fc.jsonValue()),
  },
  { requiredKeys: [] },
);

describe('parseManifest', () => {
  it('returns every field of a manifest, its bytes verbatim and their digest', () => {
    fc.assert(
      fc.property(fc.oneof(image, index), fc.constantFrom(undefined, 1, '\t'), (fields, indent) => {
        const body = 'layers' in fields ? { ...fields, config } : fields;
        const bytes = encode(JSON.stringify(body, null, indent));
        const copy = bytes.slice();
        const {
          kind,
          bytes: kept,
          digest: found,
          ...rest
        } = parseManifest(bytes, body.mediaType, digestOf(bytes));
        expect({ schemaVersion: 2, ...rest }).toEqual(body);
        expect(kind).toBe('layers' in fields ? 'image' : 'index');
        expect(kept).toEqual(copy);
        expect(found).toBe(digestOf(copy));
      }),
    );
  });

  it('throws nothing but InvalidManifestError, whatever the bytes', () => {
    const bytes = fc.oneof(
      fc.uint8Array(),
      fc.json().map(encode),
      nearly.map(encode),
      fc.tuple(image, fc.nat(), fc.nat(255)).map(([fields, at, byte]) => {
        const broken = encode({ ...fields, config });
        broken[at % broken.length] = byte;
        return broken;
      }),
    );
    let read = 0;
    fc.assert(
      fc.property(bytes, header, seldom(digest), (body, mediaType, expected) => {
        try {
          expect(parseManifest(body, mediaType, expected).bytes).toBe(body);
          read += 1;
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidManifestError);
        }
      }),
      { numRuns: 300 },
    );
    expect(read).toBeGreaterThan(0);
  });
});
