import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Digest } from '../../../core/oci/digest.ts';
import { type CleaningDependencies, cleanRepository } from '../../../core/retention/clean-repository.ts';
import type { KnownDigest } from '../../../core/retention/ports.ts';
import '../../support/fixed-seed.ts';
import { rulesConfig } from '../../support/memory-reconcile.ts';
import { digestNumber, linksOf, type MadeImage, made, now, repositories } from './repository.ts';

/** A mirror repository and the table in memory; it refuses what ECR refuses. */
class MemoryRepository {
  readonly held: Map<Digest, MadeImage>;
  readonly marked = new Set<Digest>();
  /** Refused deletions of manifests that a list names. */
  refused = 0;
  /** What a dry run has told. */
  readonly going = new Set<Digest>();
  /** Signatures that should go with their image, and outlived it. */
  orphans = 0;
  /** Digests that somebody has mapped again since they were read. */
  readonly wanted = new Set<Digest>();

  constructor(images: MadeImage[]) {
    this.held = new Map(images.map((image) => [image.digest, image]));
  }

  dependencies(): CleaningDependencies {
    const { held, marked, wanted } = this;
    const images = [...held.values()];
    return {
      config: rulesConfig('{ match: "acme/**", retention: { unmappedFor: 1s } }'),
      owner: 'test',
      now: () => new Date(now),
      mappings: {
        history: async ({ reference }) =>
          images
            .filter(({ known, tags }) => known === 'history' && tags.includes(reference))
            .map(({ digest }) => ({ revision: 1, mapping: { digest } as never })),
      } as Partial<CleaningDependencies['mappings']> as CleaningDependencies['mappings'],
      retiring: {
        async *digests() {
          for (const { digest, known } of images) {
            const expiresAt = { recent: now + 1_000, expired: now - 1_000 }[known as string];
            const item: KnownDigest = {
              digest,
              mapped: digest,
              isListed: known === 'mapped',
              isChild: false,
              writers: [],
            };
            if (known === 'mapped' || expiresAt !== undefined) yield { ...item, expiresAt };
          }
        },
        async *tags() {
          for (const { tags } of images)
            for (const tag of tags) if (tag.startsWith('v')) yield { tag, fence: 1, wasPublished: true };
        },
        forgetWriters: async () => {},
        begin: async ({ reference }) => {
          if (wanted.has(reference)) return false;
          marked.add(reference);
          return true;
        },
        end: async ({ reference }) => {
          marked.delete(reference);
        },
      },
      contents: {
        list: async () => [...held.values()],
        references: async (_, digests) =>
          new Map(digests.flatMap((digest) => [[digest, held.get(digest)?.references]] as never)),
        tagsOf: async (_, digests) =>
          new Map(digests.map((digest) => [digest, held.get(digest)?.tags ?? []])),
        remove: async (_, digests) => {
          const failures = new Map();
          for (const digest of digests) {
            expect(marked.has(digest)).toBe(true);
            const all = [...held.values()];
            if (all.some((image) => linksOf(image).children.includes(digest))) {
              this.refused += 1;
              failures.set(digest, { code: 'ImageReferencedByManifestList', reason: '' });
              continue;
            }
            held.delete(digest);
            const left = [...held.values()];
            this.orphans += left.filter(
              (image) => this.going.has(image.digest) && linksOf(image).subjects.includes(digest),
            ).length;
          }
          return failures;
        },
      },
    };
  }
}

const work = {
  place: { registry: 'ghcr.io', repository: 'acme/app' },
  mirrorRepository: 'mirror/ghcr.io/acme/app',
  retention: { keepNewest: 0, unmappedForSeconds: 0 },
};
const limits = { endsAt: now + 600_000, signal: new AbortController().signal };

it('deletes what a dry run told, in an order that ECR accepts, and leaves no mark', async () => {
  await fc.assert(
    fc.asyncProperty(repositories, async (images) => {
      const repository = new MemoryRepository(images);
      const told = await cleanRepository({ ...work, dryRun: true }, repository.dependencies(), limits);
      expect(repository.held.size).toBe(images.length);
      for (const { digest } of told.images) repository.going.add(digest);
      const done = await cleanRepository({ ...work, dryRun: false }, repository.dependencies(), limits);
      expect(done.images).toEqual(told.images);
      expect(done.bytes).toBe(told.bytes);
      expect(repository.held.size).toBe(images.length - told.images.length);
      expect([repository.refused, repository.orphans, repository.marked.size]).toEqual([0, 0, 0]);
      const again = await cleanRepository({ ...work, dryRun: true }, repository.dependencies(), limits);
      expect(again.images).toEqual([]);
    }),
  );
});

it('keeps what somebody maps meanwhile, with all that it needs', async () => {
  await fc.assert(
    fc.asyncProperty(repositories, fc.nat(), async (images, pick) => {
      const repository = new MemoryRepository(images);
      const { images: going } = await cleanRepository(
        { ...work, dryRun: true },
        repository.dependencies(),
        limits,
      );
      const wanted = going[pick % Math.max(1, going.length)]?.digest;
      if (wanted === undefined) return;
      repository.wanted.add(wanted);
      await cleanRepository({ ...work, dryRun: false }, repository.dependencies(), limits);
      const before = new Map(images.map((image) => [image.digest, image]));
      const open: Digest[] = [wanted];
      for (const digest of open) {
        expect(repository.held.has(digest)).toBe(true);
        const image = before.get(digest);
        const signatures = images.filter((other) => linksOf(other).subjects.includes(digest));
        for (const next of [
          ...(image ? linksOf(image).children : []),
          ...signatures.map((each) => each.digest),
        ])
          if (before.has(next) && !open.includes(next)) open.push(next);
      }
      expect([repository.refused, repository.marked.size]).toEqual([0, 0]);
    }),
  );
});

it('lets no digest expire that a job is about to map a tag to', async () => {
  const retired: string[] = [];
  const clean = async (fence: number) => {
    const repository = new MemoryRepository([]);
    const deps = repository.dependencies();
    const digest = digestNumber(1);
    await cleanRepository(
      { ...work, dryRun: false },
      {
        ...deps,
        mappings: {
          ...deps.mappings,
          retireDigest: async ({ reference }) => retired.push(`${fence} ${reference}`) > 0,
        },
        retiring: {
          ...deps.retiring,
          async *digests() {
            const writers = [{ tag: '1', fence: 4 }];
            yield { digest, mapped: digest, isListed: false, isChild: false, writers };
          },
          async *tags() {
            yield { tag: '1', fence, wasPublished: true };
          },
        },
      },
      limits,
    );
  };
  await clean(4);
  expect(retired).toEqual([]);
  // A later lease exists, so the earlier one can't publish any more.
  await clean(5);
  expect(retired).toEqual([`5 ${digestNumber(1)}`]);
});

it('tells what was deleted before something failed', async () => {
  const images = Array.from({ length: 700 }, (_, at) => made(at, 40));
  const broken = async (mostRemoved: number) => {
    const deps = new MemoryRepository(images).dependencies();
    let removed = 0;
    const { contents } = deps;
    const remove: typeof contents.remove = async (repository, digests, options) => {
      if (removed + digests.length > mostRemoved) throw new Error('ECR is down');
      removed += digests.length;
      return await contents.remove(repository, digests, options);
    };
    return await cleanRepository(
      { ...work, dryRun: false },
      { ...deps, contents: { ...contents, remove } },
      limits,
    );
  };
  const within = await broken(300);
  expect(within).toMatchObject({
    failed: { count: 400, code: 'INTERNAL', reason: 'ECR is down' },
    isCut: true,
  });
  expect(within.images.length).toBe(300);
  const between = await broken(500);
  expect([between.images.length, between.failed?.count, between.isCut]).toEqual([500, 200, true]);
  await expect(broken(50)).rejects.toThrow('ECR is down');
});
