import { expect, it } from 'vitest';
import type { CopyPlan } from '../../../core/copy/plan.ts';
import type { Descriptor } from '../../../core/oci/descriptor.ts';
import { parseManifest } from '../../../core/oci/manifest.ts';
import { monthlyUsd, StorageCount } from '../../../core/reconcile/storage.ts';
import { seededImage } from '../../support/seeded-image.ts';

/** The plan of an image whose layers have these seeds and 1,000 bytes each. */
function planOf(seed: string, seeds: string[], held: string[] = []): CopyPlan {
  const image = seededImage({ seed, layers: seeds.map((each) => ({ size: 1_000, seed: each })) });
  const root = parseManifest(image.manifest.bytes, image.manifest.mediaType, image.manifest.digest);
  const blobs: Descriptor[] = [image.config, ...image.layers];
  const present = image.layers.filter((_, index) => held.includes(seeds[index] ?? ''));
  const missing = blobs.filter((blob) => !present.includes(blob));
  const sizeBytes = image.config.size + 1_000 * seeds.length + image.manifest.bytes.length;
  return { source: root, root, children: [], blobs, present, missing, foreign: [], sizeBytes };
}
const ownBytes = ({ blobs, root }: CopyPlan) => (blobs[0]?.size ?? 0) + root.bytes.byteLength;

it('counts each blob of a repository once, and over all repositories', () => {
  const storage = new StorageCount();
  const [one, two, other] = [planOf('1', ['base', 'a']), planOf('2', ['base', 'b']), planOf('3', ['base'])];
  storage.add('app', one, false);
  storage.add('app', two, false);
  storage.add('web', other, false);
  const app = ownBytes(one) + ownBytes(two) + 3_000;
  const web = ownBytes(other) + 1_000;
  expect(storage.of('app')).toEqual({ sizeBytes: app, presentBytes: 0 });
  expect(storage.shared()).toEqual({ sizeBytes: app + web - 1_000, presentBytes: 0 });
  expect(storage.separateBytes()).toBe(app + web);
  expect(storage.of('none')).toEqual({ sizeBytes: 0, presentBytes: 0 });
});

it('counts as present what any image, or any repository, was found with', () => {
  const storage = new StorageCount();
  const [held, other] = [planOf('1', ['base', 'a']), planOf('2', ['base', 'b'], ['b'])];
  storage.add('app', other, false);
  storage.add('app', held, true);
  storage.add('web', planOf('2', ['base', 'b']), false);
  const all = ownBytes(held) + ownBytes(other) + 3_000;
  // All but what is only of the second image.
  expect(storage.of('app')).toEqual({ sizeBytes: all, presentBytes: all - ownBytes(other) });
  expect(storage.of('web').presentBytes).toBe(0);
  expect(storage.shared()).toEqual(storage.of('app'));
});

it('costs ten cents for a gigabyte and month', () => {
  expect(monthlyUsd(25e9)).toBeCloseTo(2.5);
});
