import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../core/oci/digest.ts';
import { type ImageIndex, type ImageManifest, parseManifest } from '../../../core/oci/manifest.ts';
import { mediaTypes } from '../../../core/oci/media-types.ts';
import { child, descriptor, digestOfName, dockerImage, encode, ociImage, ociIndex } from './manifests.ts';

/**
 * The example of https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md, byte for
 * byte.
 */
const specExample = `{
  "schemaVersion": 2,
  "mediaType": "application/vnd.oci.image.manifest.v1+json",
  "config": {
    "mediaType": "application/vnd.oci.image.config.v1+json",
    "digest": "sha256:b5b2b2c507a0944348e0303114d8d93aaaa081732b86451d9bce1f432a537bc7",
    "size": 7023
  },
  "layers": [
    {
      "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
      "digest": "sha256:9834876dcfb05cb167a5c24953eba58c4ac89b1adf57f28f2f9d09af107ee8f0",
      "size": 32654
    },
    {
      "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
      "digest": "sha256:3c3a4604a545cdc127456d94e421cd355bca5b528f4a9c1905b15da2eb4a4c6b",
      "size": 16724
    }
  ],
  "subject": {
    "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "digest": "sha256:5b0bcabd1ed22e9fb1310cf6c2dec7cdef19f0ad69efa1f392e94a4333501270",
    "size": 7682
  },
  "annotations": {
    "com.example.key1": "value1",
    "com.example.key2": "value2"
  }
}`;

describe('parseManifest', () => {
  it('reads the specification’s example', () => {
    const bytes = encode(specExample);
    const manifest = parseManifest(bytes, mediaTypes.ociManifest) as ImageManifest;
    expect(manifest).toEqual({
      kind: 'image',
      mediaType: mediaTypes.ociManifest,
      digest: digestOf(bytes),
      bytes,
      config: {
        mediaType: mediaTypes.ociConfig,
        digest: 'sha256:b5b2b2c507a0944348e0303114d8d93aaaa081732b86451d9bce1f432a537bc7',
        size: 7023,
      },
      layers: [
        {
          mediaType: mediaTypes.ociLayerGzip,
          digest: 'sha256:9834876dcfb05cb167a5c24953eba58c4ac89b1adf57f28f2f9d09af107ee8f0',
          size: 32654,
        },
        {
          mediaType: mediaTypes.ociLayerGzip,
          digest: 'sha256:3c3a4604a545cdc127456d94e421cd355bca5b528f4a9c1905b15da2eb4a4c6b',
          size: 16724,
        },
      ],
      subject: {
        mediaType: mediaTypes.ociManifest,
        digest: 'sha256:5b0bcabd1ed22e9fb1310cf6c2dec7cdef19f0ad69efa1f392e94a4333501270',
        size: 7682,
      },
      annotations: { 'com.example.key1': 'value1', 'com.example.key2': 'value2' },
    });
  });

  it('keeps the bytes verbatim, whitespace, key order and unknown fields included', () => {
    const text = ` \n{"zzz":{"a":[1.0e2]},"layers":[],\t"config":${JSON.stringify(ociImage().config)},"schemaVersion":2 }\r\n`;
    const bytes = encode(text);
    const copy = bytes.slice();
    const manifest = parseManifest(bytes, mediaTypes.ociManifest, digestOf(bytes));
    expect(manifest.bytes).toBe(bytes);
    expect(manifest.bytes).toEqual(copy);
    expect(manifest.digest).toBe(digestOf(copy));
  });

  it.each([
    [mediaTypes.ociManifest, ociImage(), 'image'],
    [mediaTypes.dockerManifest, dockerImage(), 'image'],
    [mediaTypes.ociIndex, ociIndex(), 'index'],
    [
      mediaTypes.dockerManifestList,
      ociIndex(undefined, { mediaType: mediaTypes.dockerManifestList }),
      'index',
    ],
  ])('reads %s by header, by body, by both, and with the type in the header alone', (type, body, kind) => {
    const untyped = { ...body, mediaType: undefined };
    for (const manifest of [
      parseManifest(encode(body), type),
      parseManifest(encode(body)),
      parseManifest(encode(body), `${type}; charset=utf-8`),
      parseManifest(encode(body), ` ${type.toUpperCase()} ;x=y`),
      parseManifest(encode(body), 'application/json; charset=utf-8'),
      parseManifest(encode(body), 'application/octet-stream'),
      parseManifest(encode(untyped), type),
    ]) {
      expect(manifest).toMatchObject({ mediaType: type, kind });
    }
  });

  it('treats a manifest that states no type as OCI, by its fields', () => {
    expect(parseManifest(encode(ociImage({ mediaType: undefined }))).mediaType).toBe(mediaTypes.ociManifest);
    expect(parseManifest(encode(ociIndex([], { mediaType: undefined }))).mediaType).toBe(mediaTypes.ociIndex);
  });

  it('verifies the digest with the requested algorithm', () => {
    const bytes = encode(ociImage());
    expect(parseManifest(bytes, undefined, digestOf(bytes)).digest).toBe(digestOf(bytes));
    const sha512 = digestOf(bytes, 'sha512');
    expect(parseManifest(bytes, undefined, sha512).digest).toBe(sha512);
  });

  it('reads the children of an index with their platforms', () => {
    const windows = descriptor(mediaTypes.ociManifest, 'windows', {
      platform: {
        architecture: 'amd64',
        os: 'windows',
        'os.version': '10.0.20348.2582',
        'os.features': ['win32k'],
      },
    });
    const nowhere = descriptor(mediaTypes.ociIndex, 'nested', { platform: { architecture: '', os: '' } });
    const index = parseManifest(encode(ociIndex([child('linux/arm64/v8'), windows, nowhere]))) as ImageIndex;
    expect(index.manifests).toEqual([
      {
        mediaType: mediaTypes.ociManifest,
        digest: digestOfName('linux/arm64/v8'),
        size: 14,
        platform: { os: 'linux', architecture: 'arm64', variant: 'v8' },
      },
      windows,
      nowhere,
    ]);
  });

  it('reads artifacts: type, empty config, subject, embedded data', () => {
    const empty = descriptor(mediaTypes.ociEmpty, '{}', { data: 'e30=' });
    const manifest = parseManifest(
      encode({
        schemaVersion: 2,
        mediaType: mediaTypes.ociManifest,
        artifactType: 'application/vnd.example.sbom+json',
        config: empty,
        layers: [empty],
        subject: descriptor(mediaTypes.ociManifest, 'the image', { artifactType: 'application/x' }),
      }),
    ) as ImageManifest;
    expect(manifest.artifactType).toBe('application/vnd.example.sbom+json');
    expect(manifest.config).toEqual(empty);
    expect(manifest.layers).toEqual([empty]);
    expect(manifest.subject).toEqual(
      descriptor(mediaTypes.ociManifest, 'the image', { artifactType: 'application/x' }),
    );
  });

  it('keeps the urls of foreign layers', () => {
    const urls = ['https://go.microsoft.com/fwlink/?linkid=873595'];
    const layer = descriptor(mediaTypes.dockerForeignLayerGzip, 'windows base', { urls });
    const manifest = parseManifest(encode(dockerImage({ layers: [layer] }))) as ImageManifest;
    expect(manifest.layers[0]?.urls).toEqual(urls);
  });

  it('treats an embedded null as an absent field, as Go does', () => {
    const layer = descriptor(mediaTypes.ociLayer, 'x', { urls: null, annotations: null, platform: null });
    const manifest = parseManifest(
      encode(
        ociImage({ layers: [layer], manifests: null, subject: null, annotations: null, artifactType: null }),
      ),
    ) as ImageManifest;
    expect(manifest.layers).toEqual([descriptor(mediaTypes.ociLayer, 'x')]);
    expect(manifest).not.toHaveProperty('subject');
    expect(parseManifest(encode(ociIndex(null)))).toMatchObject({ manifests: [] });
  });

  it('accepts a blob that is named twice, and names that mean something to JavaScript', () => {
    const layer = descriptor(mediaTypes.ociLayer, 'twice');
    const annotations = JSON.parse('{"__proto__":"a","constructor":"b"}') as Record<string, string>;
    const manifest = parseManifest(
      encode(ociImage({ layers: [layer, layer], annotations })),
    ) as ImageManifest;
    expect(manifest.layers).toHaveLength(2);
    expect(Object.entries(manifest.annotations ?? {})).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
  });
});
