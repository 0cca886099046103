import { describe, expect, it } from 'vitest';
import { imagePlatforms } from '../../../core/copy/image-platforms.ts';
import { plan } from '../../../core/copy/plan.ts';
import type { Descriptor } from '../../../core/oci/descriptor.ts';
import { mediaTypes } from '../../../core/oci/media-types.ts';
import { blobOf, childOf, manifestOf, storeWith } from '../../support/memory-image.ts';
import { MemoryStore } from '../../support/memory-store.ts';
import { seededImage, seededIndex } from '../../support/seeded-image.ts';

/** The platforms of a single image with this config, which the mirror has. */
async function platformsOf(
  config: string,
  type: string = mediaTypes.ociConfig,
  more: Partial<Descriptor> = {},
) {
  const blob = { ...blobOf(config, type), ...more };
  const mirror = new MemoryStore('mirror');
  mirror.blobs.set(blob.digest, Buffer.from(config));
  const manifest = manifestOf({
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: blob,
    layers: [],
  });
  return await imagePlatforms(await plan(mirror, mirror, manifest), new Map(), mirror);
}

/** The platforms of an index whose children name these. */
async function indexPlatforms(platforms: unknown[]) {
  const child = manifestOf({
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: blobOf('{}', mediaTypes.ociConfig),
    layers: [],
  });
  const manifests = platforms.map((platform) => ({ ...childOf(child), platform }));
  const index = manifestOf({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests });
  const source = new MemoryStore('up');
  source.manifests.set(child.digest, child);
  return await imagePlatforms(await plan(source, new MemoryStore('mirror'), index), new Map(), source);
}

describe('the platforms of an image', () => {
  it('are those of an index’s children, sorted, without attestations', async () => {
    const index = seededIndex({ seed: 'platforms', layers: [] });
    const store = storeWith(index);
    expect(await imagePlatforms(await plan(store, store, 'latest'), new Map(), store)).toEqual([
      'linux/amd64',
      'linux/arm64/v8',
    ]);
    expect(
      await indexPlatforms([
        { os: 'windows', architecture: 'amd64', 'os.version': '10.0.20348.2582' },
        { os: 'linux', architecture: 'arm', variant: 'v7' },
        { os: 'unknown', architecture: 'unknown' },
        { os: '', architecture: '' },
        undefined,
        { os: 'linux', architecture: 'arm', variant: 'v7' },
      ]),
    ).toEqual(['linux/arm/v7', 'windows(10.0.20348.2582)/amd64']);
  });

  it('are at most 64, each of at most 100 characters', async () => {
    const many = Array.from({ length: 200 }, (_, n) => ({ os: 'linux', architecture: `a${n}` }));
    const long = { os: 'o'.repeat(64), architecture: 'a'.repeat(64) };
    const platforms = await indexPlatforms([long, ...many]);
    expect(platforms).toHaveLength(64);
    expect(platforms.every((platform) => platform.startsWith('linux/a'))).toBe(true);
  });

  it('come from the config that was just copied, or else from the mirror', async () => {
    const image = seededImage({
      seed: 'single',
      layers: [],
      platform: { os: 'linux', architecture: 'riscv64' },
    });
    const source = storeWith(image);
    const nothing = new MemoryStore('mirror that was never asked');
    const made = await plan(source, nothing, 'latest');
    const config = image.blobs.get(image.config.digest) as Uint8Array;

    expect(await imagePlatforms(made, new Map([[image.config.digest, config]]), nothing)).toEqual([
      'linux/riscv64',
    ]);
    expect(await imagePlatforms(made, new Map(), source)).toEqual(['linux/riscv64']);
  });

  it.each([
    ['an OCI config', mediaTypes.ociConfig, ['linux/arm64/v8']],
    ['a Docker config', mediaTypes.dockerConfig, ['linux/arm64/v8']],
    ['an artifact, whose config is not read', 'application/vnd.cncf.helm.config.v1+json', []],
    ['an artifact without a config', mediaTypes.ociEmpty, []],
  ])('of %s', async (_, type, platforms) => {
    expect(await platformsOf('{"os":"linux","architecture":"arm64","variant":"v8"}', type)).toEqual(
      platforms,
    );
  });

  it.each([
    ['no JSON', 'ceci n’est pas un config'],
    ['null', 'null'],
    ['a list', '[1,2]'],
    ['a text', '"linux/amd64"'],
    ['nothing', ''],
    ['no os', '{"architecture":"amd64"}'],
    ['an os that is not a text', '{"os":{"toString":"linux"},"architecture":["amd64"]}'],
    ['an os with other characters', '{"os":"linux\\n<script>","architecture":"amd64"}'],
    ['an empty architecture', '{"os":"linux","architecture":""}'],
    ['an endless architecture', JSON.stringify({ os: 'linux', architecture: 'x'.repeat(65) })],
    ['an attestation', '{"os":"unknown","architecture":"unknown"}'],
    ['deep nesting', '['.repeat(100_000)],
    ['a prototype', '{"__proto__":{"os":"linux","architecture":"amd64"}}'],
  ])('are none for a config that is %s', async (_, config) => {
    expect(await platformsOf(config)).toEqual([]);
  });

  it('leave out a variant that makes no sense', async () => {
    expect(await platformsOf('{"os":"linux","architecture":"arm","variant":"v7; rm -rf"}')).toEqual([
      'linux/arm',
    ]);
  });

  it('are none for a config that is too large to read', async () => {
    const config = { os: 'linux', architecture: 'arm64', comment: 'x'.repeat(5_000_000) };
    expect(await platformsOf(JSON.stringify(config))).toEqual([]);
  });

  it('leave out what an index could not honestly name', async () => {
    expect(
      await indexPlatforms([
        { os: 'linux\u0000', architecture: 'amd64' },
        { os: 'linux', architecture: '<b>' },
        { os: 'linux', architecture: 'amd64', 'os.version': 'x'.repeat(300) },
        { os: 'linux', architecture: 's390x' },
      ]),
    ).toEqual(['linux/s390x']);
  });

  it('are few enough for a mapping to hold them', async () => {
    const many = Array.from({ length: 9_000 }, (_, i) => ({ os: 'linux', architecture: `cpu${i}` }));
    expect(JSON.stringify(await indexPlatforms(many)).length).toBeLessThan(100_000);
  });
});
