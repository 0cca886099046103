import { describe, it, vi } from 'vitest';
import { digestOf } from '../../../core/oci/digest.ts';
import { mediaTypes } from '../../../core/oci/media-types.ts';
import { answerWith, endlessBody, pastHttp } from '../../support/hostile-upstream.ts';
import type { SeededManifest } from '../../support/seeded-image.ts';
import { expectRefused, type HostileCase, image } from './hostile-fixture.ts';

const ofManifest = { operation: 'get manifest', reference: 'latest' };
const manifestType = { 'content-type': mediaTypes.ociManifest };

const manifestOf = (content: unknown, mediaType: string = mediaTypes.ociManifest): SeededManifest => {
  const bytes = Buffer.from(JSON.stringify(content));
  return { bytes, mediaType, digest: digestOf(bytes) };
};
const child = ({ digest, mediaType, bytes }: SeededManifest) => ({ digest, mediaType, size: bytes.length });
const indexOf = (manifests: unknown[]) =>
  manifestOf({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests }, mediaTypes.ociIndex);
const made = (n: number, more: object = {}) => ({
  mediaType: mediaTypes.ociLayerGzip,
  digest: digestOf(Buffer.from(String(n))),
  size: 1,
  ...more,
});
const withLayers = (layers: unknown[]) =>
  manifestOf({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config: image.config, layers });
const many = (count: number) => Array.from({ length: count }, (_, n) => made(n));

/** Nested indexes: each names the one before. */
const nested = (depth: number) => {
  const levels = [indexOf([])];
  for (let n = 1; n < depth; n += 1) levels.push(indexOf([child(levels[n - 1] as SeededManifest), made(n)]));
  return levels;
};
/** An index of 60 indexes of 60 manifests each. */
const wide = Array.from({ length: 60 }, (_, n) =>
  indexOf(Array.from({ length: 60 }, (_, m) => made(n * 60 + m, { mediaType: mediaTypes.ociManifest }))),
);

const cases: HostileCase[] = [
  [
    'a manifest announced with 10 GB',
    { manifest: endlessBody({ ...manifestType, 'content-length': '10000000000' }) },
    { code: 'ANSWER_TOO_LARGE', ...ofManifest },
  ],
  [
    'a manifest that never ends',
    { manifest: endlessBody(manifestType) },
    { code: 'ANSWER_TOO_LARGE', ...ofManifest },
  ],
  [
    'a manifest whose bytes do not match its digest',
    {
      manifest: answerWith(image.manifest.bytes, {
        ...manifestType,
        'docker-content-digest': image.config.digest,
      }),
    },
    { code: 'DIGEST_INVALID', ...ofManifest },
  ],
  [
    'a negative size',
    { manifest: withLayers([made(1, { size: -1 })]) },
    { code: 'MANIFEST_INVALID', ...ofManifest },
  ],
  [
    'a fractional size',
    { manifest: withLayers([made(1, { size: 1.5 })]) },
    { code: 'MANIFEST_INVALID', ...ofManifest },
  ],
  [
    'a size too large for a number',
    { manifest: withLayers([made(1, { size: 1e300 })]) },
    { code: 'MANIFEST_INVALID', ...ofManifest },
  ],
  [
    'sizes whose sum is too large for a number',
    { manifest: withLayers([made(1, { size: 2 ** 53 - 1 }), made(2)]) },
    { code: 'IMAGE_TOO_LARGE' },
  ],
  ['100,000 layers', { manifest: withLayers(many(100_000)) }, { code: 'ANSWER_TOO_LARGE', ...ofManifest }],
  ['20,000 layers', { manifest: withLayers(many(20_000)) }, { code: 'MANIFEST_INVALID', ...ofManifest }],
  [
    '10,000 missing layers',
    { manifest: withLayers(many(10_000)) },
    { code: 'BLOB_UNKNOWN', operation: 'get blob' },
  ],
  [
    '5,000 platforms',
    { manifest: indexOf(many(5_000).map((one) => ({ ...one, mediaType: mediaTypes.ociManifest }))) },
    { code: 'IMAGE_TOO_LARGE' },
  ],
  [
    'indexes in indexes in indexes',
    { manifest: nested(12).at(-1) as SeededManifest, manifests: nested(12) },
    { code: 'IMAGE_TOO_DEEP' },
  ],
  [
    'indexes of indexes of thousands',
    { manifest: indexOf(wide.map(child)), manifests: wide },
    { code: 'IMAGE_TOO_LARGE' },
  ],
  [
    'a manifest of two million brackets',
    { manifest: answerWith(Buffer.alloc(2_000_000, '['), manifestType) },
    { code: 'MANIFEST_INVALID', ...ofManifest },
  ],
  [
    'a header that never ends',
    { manifest: pastHttp('HTTP/1.1 200 OK\r\nx-header: ', 'x'.repeat(4_000)) },
    { code: 'ANSWER_INVALID', ...ofManifest },
  ],
  [
    'headers that never end',
    { manifest: pastHttp('HTTP/1.1 200 OK\r\n', `x-header: ${'x'.repeat(400)}\r\n`) },
    { code: 'ANSWER_INVALID', ...ofManifest },
  ],
  [
    'a header that comes a byte at a time',
    { manifest: pastHttp('HTTP/1.1 200 OK\r\nx-header: ', 'x', 40) },
    { code: 'TIMEOUT', ...ofManifest },
  ],
  [
    'endless early hints',
    { manifest: pastHttp('', 'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n', 1) },
    { code: 'ANSWER_INVALID', ...ofManifest },
  ],
  [
    'what is not HTTP',
    { manifest: pastHttp('SSH-2.0-OpenSSH_9.9\r\n', 'x', 40) },
    { code: 'ANSWER_INVALID', ...ofManifest },
  ],
];

describe('an image', () => {
  it.each(cases)('with %s is refused', async (_, options, expected) => {
    await expectRefused(options, expected);
  });

  it('whose manifest comes a byte at a time is given up after two minutes', async () => {
    const now = performance.now.bind(performance);
    let later = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now() + later);
    setTimeout(() => {
      later = 121_000;
    }, 500);
    await expectRefused(
      { manifest: endlessBody(manifestType, 40) },
      { code: 'TIMEOUT', temporary: true, ...ofManifest },
    );
  });
});
