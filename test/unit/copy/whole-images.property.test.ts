import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commitChildren, commitRoot } from '../../../core/copy/commit.ts';
import { copyBlobs } from '../../../core/copy/copy.ts';
import { plan } from '../../../core/copy/plan.ts';
import { inChunks } from '../../support/byte-streams.ts';
import { storeWith } from '../../support/memory-image.ts';
import { MemoryStore } from '../../support/memory-store.ts';
import { sourceLike, temporaryFailure } from '../../support/recording-stores.ts';
import { seededImage, seededIndex } from '../../support/seeded-image.ts';

const layer = fc.record(
  { size: fc.oneof(fc.nat(300), fc.nat(9_000)), seed: fc.constantFrom('base', 'runtime', 'app') },
  { requiredKeys: ['size'] },
);
const image = fc.record({
  seed: fc.string({ maxLength: 5 }),
  layers: fc.array(layer, { maxLength: 6 }),
  mediaTypes: fc.constantFrom('oci' as const, 'docker' as const),
  platforms: fc.uniqueArray(fc.constantFrom('amd64', 'arm64', 's390x', 'riscv64'), { maxLength: 4 }),
});

describe('any image', () => {
  it('arrives whole, whatever the mirror already has and however often the connection breaks', async () => {
    await fc.assert(
      fc.asyncProperty(
        image,
        fc.record({ chunk: fc.integer({ min: 1, max: 2_000 }), concurrency: fc.integer({ min: 1, max: 9 }) }),
        fc.infiniteStream(fc.boolean()),
        async ({ platforms, ...options }, { chunk, concurrency }, dice) => {
          const made =
            platforms.length === 0
              ? seededImage(options)
              : seededIndex({
                  ...options,
                  platforms: platforms.map((architecture) => ({ os: 'linux', architecture })),
                });
          const store = storeWith(made);
          const mirror = new MemoryStore('mirror');
          const roll = () => dice.next().value === true;
          for (const [digest, bytes] of store.blobs) if (roll()) mirror.blobs.set(digest, bytes);
          const broken = new Set<string>();
          const source = sourceLike(store, {
            blob: async (blob, call) => {
              const bytes = (store.blobs.get(blob.digest) as Uint8Array).subarray(call?.offset);
              // Each blob breaks at most once, so that three attempts are enough.
              if (roll() || broken.has(blob.digest)) {
                return inChunks(bytes, chunk);
              }
              broken.add(blob.digest);
              if (roll()) throw temporaryFailure('the line broke', { retryAfterMs: 0 });
              return (async function* () {
                yield* inChunks(bytes.subarray(0, bytes.byteLength / 2), chunk);
                throw temporaryFailure('the line broke', { retryAfterMs: 0 });
              })();
            },
          });

          const planned = await plan(source, mirror, 'latest');
          const { transfer } = await copyBlobs(source, mirror, planned, {
            concurrency,
            pause: async () => {},
          });
          await commitChildren(mirror, planned, planned.missing);
          await commitRoot(mirror, planned, 'latest');

          expect(mirror.blobs).toEqual(store.blobs);
          expect(mirror.manifests).toEqual(store.manifests);
          expect(mirror.tags).toEqual(store.tags);
          expect(transfer.copied.blobs + transfer.present.blobs).toBe(store.blobs.size);
          expect(transfer.copied.bytes + transfer.present.bytes).toBe(
            [...store.blobs.values()].reduce((sum, { byteLength }) => sum + byteLength, 0),
          );
        },
      ),
    );
  });
});
