import type { Digest } from '../../core/oci/digest.ts';
import { pushImage, type SeededImage, seededImage } from '../../test/support/seeded-image.ts';
import { kibibyte, mebibyte } from '../corpus.ts';
import type { TagsWork } from '../limits.ts';

/** An image under a tag. */
export interface TaggedImage {
  repository: string;
  tag: string;
  image: SeededImage;
}

/** What to copy: all tags of some repositories in one namespace. */
export interface TagsCorpus {
  what: string;
  /** Such as `acme/service-0`. */
  repositories: string[];
  images: TaggedImage[];
}

const ownLayer = 64 * kibibyte;
const bases = 4;

/** One repository of 60 tags with the same base. */
export function oneRepository(): TagsCorpus {
  return corpusOf('60 tags of one repository, a base of 1 MB for all', 1, 60);
}

/** Twenty repositories of 10 tags; every fourth repository has the same base. */
export function manyRepositories(): TagsCorpus {
  return corpusOf(`200 tags in 20 repositories, ${bases} bases of 1 MB among them`, 20, 10);
}

/** The work of copying a corpus into an empty registry, or into one that already has it. */
export function tagsWork({ images }: TagsCorpus, nothingMissing: boolean): TagsWork {
  const sizes = nothingMissing ? [] : [...blobsOf(images)].map(([, bytes]) => bytes.length);
  const missing = { blobs: sizes.length, largest: Math.max(0, ...sizes), others: ownLayer };
  return { tags: images.length, missing };
}

/** The distinct layers of a corpus, without its configs. */
export function layersOf({ images }: TagsCorpus): Set<Digest> {
  return new Set(images.flatMap(({ image }) => image.layers.map(({ digest }) => digest)));
}

/** Pushes a corpus, several repositories at once. */
export async function pushCorpus(endpoint: string, { repositories, images }: TagsCorpus): Promise<void> {
  const pushed = repositories.map(async (name) => {
    for (const { repository, tag, image } of images) {
      if (repository === name) await pushImage(endpoint, repository, tag, image);
    }
  });
  await Promise.all(pushed);
}

function corpusOf(what: string, repositories: number, tags: number): TagsCorpus {
  const names = Array.from({ length: repositories }, (_, n) => `acme/service-${n}`);
  const images = names.flatMap((repository, n) => {
    const base = { size: mebibyte, seed: `tags base ${n % bases}` };
    return Array.from({ length: tags }, (_, version): TaggedImage => {
      const layers = [base, { size: ownLayer }, { size: ownLayer }];
      const image = seededImage({ seed: `tags ${repository} ${version}`, layers });
      return { repository, tag: `1.${version}`, image };
    });
  });
  return { what: `${what}, each with 2 × 64 KB of its own`, repositories: names, images };
}

function blobsOf(images: TaggedImage[]): Map<Digest, Uint8Array> {
  return new Map(images.flatMap(({ image }) => [...image.blobs]));
}
