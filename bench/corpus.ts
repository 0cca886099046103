import type { Platform } from '../core/oci/platform.ts';
import {
  type SeededImage,
  type SeededIndex,
  seededImage,
  seededIndex,
} from '../test/support/seeded-image.ts';

export const kibibyte = 1024;
export const mebibyte = 1024 * kibibyte;

type Layers = { size: number; seed?: string }[];

/**
 * A typical application image: a base that versions share, packages, and two layers that change
 * with each build.
 */
export function webImage(version: number): SeededImage {
  const kept: Layers = [...layers(3, 20 * mebibyte), ...layers(10, mebibyte)];
  const named = kept.map((layer, position) => ({ ...layer, seed: `web ${position}` }));
  return seededImage({ seed: `web ${version}`, layers: [...named, ...layers(2, 3 * mebibyte)] });
}

/** Three platforms with nothing in common. */
export function multiIndex(): SeededIndex {
  return seededIndex({
    seed: 'multi',
    platforms: platforms.slice(0, 3),
    layers: [...layers(2, 10 * mebibyte), ...layers(6, mebibyte)],
  });
}

/** An official image's twelve platforms: many blobs, none of them large. */
export function manyIndex(): SeededIndex {
  return seededIndex({ seed: 'many', platforms, layers: layers(8, 512 * kibibyte) });
}

/** One image of a hundred small layers. */
export function wideImage(): SeededImage {
  return seededImage({ seed: 'wide', layers: layers(100, 256 * kibibyte) });
}

/**
 * Images that share a base, four versions in each of five repositories, in the order of their
 * releases.
 */
export function sharedImages(): { repository: string; tag: string; image: SeededImage }[] {
  const base = layers(3, 4 * mebibyte).map((layer, position) => ({ ...layer, seed: `shared ${position}` }));
  return Array.from({ length: 20 }, (_, release) => ({
    repository: `acme/service-${release % 5}`,
    tag: `v${Math.floor(release / 5)}`,
    image: seededImage({ seed: `shared ${release}`, layers: [...base, ...layers(1, 512 * kibibyte)] }),
  }));
}

/** The number of distinct blobs of an image, their total size and the size of the largest. */
export function sizesOf(image: SeededImage | SeededIndex): { blobs: number; bytes: number; largest: number } {
  const sizes = [...image.blobs.values()].map((blob) => blob.length);
  return {
    blobs: sizes.length,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    largest: Math.max(...sizes),
  };
}

const platforms: Platform[] = [
  { os: 'linux', architecture: 'amd64' },
  { os: 'linux', architecture: 'arm64', variant: 'v8' },
  { os: 'linux', architecture: 'arm', variant: 'v7' },
  { os: 'linux', architecture: 'arm', variant: 'v6' },
  { os: 'linux', architecture: 'arm', variant: 'v5' },
  { os: 'linux', architecture: '386' },
  { os: 'linux', architecture: 'ppc64le' },
  { os: 'linux', architecture: 's390x' },
  { os: 'linux', architecture: 'riscv64' },
  { os: 'linux', architecture: 'mips64le' },
  { os: 'linux', architecture: 'loong64' },
  { os: 'linux', architecture: 'mips' },
];

function layers(count: number, size: number): Layers {
  return Array.from({ length: count }, () => ({ size }));
}
