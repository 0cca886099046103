import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { signatureSubject } from '../oci/signature-tags.ts';

/** An image as a mirror repository holds it. */
export interface HeldImage {
  digest: Digest;
  tags: string[];
  /** When it was pushed, milliseconds since 1970; absent: nobody knows. */
  pushedAt?: number | undefined;
  /** As the registry says. */
  sizeBytes: number;
  isIndex: boolean;
}

/** What a manifest refers to. */
export interface References {
  /** The manifests below an index. */
  children: Digest[];
  /** The image that it belongs to. */
  subject?: Digest | undefined;
  /** Its config and layers. */
  blobs: Pick<Descriptor, 'digest' | 'size'>[];
  /** The size of the manifest itself. */
  bytes: number;
}

/** Why an image stays. */
export type KeepReason =
  /** A tag is mapped or pinned to it, or it is mapped by its digest. */
  | 'mapped'
  /** A tag can be rolled back to it. */
  | 'history'
  /** It was mapped not long ago, so it can still be looked up by its digest. */
  | 'recent'
  /** It has a tag that Drayage did not put, or one that is mapped to another image. */
  | 'tag'
  /** It is one of those that were mirrored last. */
  | 'newest'
  /** It was pushed not long ago: a job may be about to publish it. */
  | 'new'
  /** Its manifest can't be read, or that of an index that may name it. */
  | 'unreadable'
  /** Another image that stays needs it. */
  | 'needed';

/** What is known about a repository, apart from the images themselves. */
export interface Knowledge {
  mapped: ReadonlySet<Digest>;
  history: ReadonlySet<Digest>;
  /** Digests that can still be looked up. */
  lookedUp: ReadonlySet<Digest>;
  /** Tags that Drayage has published, and that are mapped to nothing now. */
  formerTags: ReadonlySet<string>;
  /** Milliseconds since 1970. */
  now: number;
  keepNewest: number;
  unmappedForMs: number;
}

/** What may be deleted, and why everything else stays. */
export interface Plan {
  going: HeldImage[];
  staying: Map<Digest, KeepReason>;
}

/**
 * Images that are younger stay in any case: a job puts children, and what belongs to an image,
 * before anything tells what they are for.
 */
export const leastAgeMs = 24 * 3_600_000;

/**
 * Why an image stays by itself, as far as its manifest need not be read; undefined if nothing says
 * so. {@link planRetention} says more.
 */
function reasonToKeep(image: HeldImage, known: Knowledge): KeepReason | undefined {
  const { digest, tags, pushedAt } = image;
  if (known.mapped.has(digest)) return 'mapped';
  if (known.history.has(digest)) return 'history';
  if (known.lookedUp.has(digest)) return 'recent';
  if (tags.some((tag) => !known.formerTags.has(tag) && signatureSubject(tag) === undefined)) return 'tag';
  const age = pushedAt === undefined ? 0 : known.now - pushedAt;
  if (age < leastAgeMs) return 'new';
  return age < known.unmappedForMs ? 'recent' : undefined;
}

/** Whether there is anything that could go, as far as that is known without manifests. */
export function mayAnyGo(images: readonly HeldImage[], known: Knowledge): boolean {
  return images.some((image) => reasonToKeep(image, known) === undefined);
}

/** The images whose manifests a plan needs: indexes, and what may be deleted. */
export function manifestsToRead(images: readonly HeldImage[], known: Knowledge): Digest[] {
  return images.flatMap((image) =>
    image.isIndex || reasonToKeep(image, known) === undefined ? [image.digest] : [],
  );
}

/**
 * Decides which images of a mirror repository may go. What stays takes along the manifests below
 * it, and what belongs to it: signatures, SBOMs and the like. Those have no reason of their own to
 * stay; without their image, they go.
 *
 * @param references of the {@link manifestsToRead}
 */
export function planRetention(
  images: readonly HeldImage[],
  references: ReadonlyMap<Digest, References>,
  known: Knowledge,
): Plan {
  const graph = new ImageGraph(images, references);
  const staying = new Map<Digest, KeepReason>();
  // Nobody knows what such an index needs. ECR would refuse to delete it, but the marks would
  // remove its mapping.
  const isUnknown = images.some(({ digest, isIndex }) => isIndex && !references.has(digest));
  for (const image of images) {
    const isReadable = !isUnknown && references.has(image.digest);
    const reason = reasonToKeep(image, known) ?? (isReadable ? undefined : 'unreadable');
    if (reason) staying.set(image.digest, reason);
  }
  for (const { digest } of newest(images, graph, known.keepNewest))
    if (!staying.has(digest)) staying.set(digest, 'newest');
  for (const digest of graph.neededBy(staying.keys()))
    if (!staying.has(digest)) staying.set(digest, 'needed');
  return { going: images.filter(({ digest }) => !staying.has(digest)), staying };
}

/** The images that were pushed last. What belongs to others, or is below them, does not count. */
function newest(images: readonly HeldImage[], graph: ImageGraph, count: number): HeldImage[] {
  return images
    .filter(({ digest }) => graph.isRoot(digest))
    .sort((a, b) => (b.pushedAt ?? 0) - (a.pushedAt ?? 0) || (a.digest < b.digest ? -1 : 1))
    .slice(0, count);
}

/** How the images of a repository refer to each other. */
export class ImageGraph {
  /** Image → what it names: the manifests below it, and the image that it belongs to. */
  readonly #children = new Map<Digest, Digest[]>();
  readonly #subjects = new Map<Digest, Digest[]>();
  readonly #parents = new Map<Digest, Digest[]>();
  readonly #belongings = new Map<Digest, Digest[]>();

  constructor(images: readonly HeldImage[], references: ReadonlyMap<Digest, References>) {
    const held = new Set(images.map(({ digest }) => digest));
    const link = (forth: Map<Digest, Digest[]>, back: Map<Digest, Digest[]>, from: Digest, to: Digest) => {
      if (!held.has(to) || from === to) return;
      forth.set(from, [...(forth.get(from) ?? []), to]);
      back.set(to, [...(back.get(to) ?? []), from]);
    };
    for (const { digest, tags } of images) {
      const { children = [], subject } = references.get(digest) ?? {};
      for (const child of new Set(children)) link(this.#children, this.#parents, digest, child);
      const subjects = new Set(tags.flatMap((tag) => signatureSubject(tag) ?? []));
      if (subject !== undefined) subjects.add(subject);
      for (const each of subjects) link(this.#subjects, this.#belongings, digest, each);
    }
  }

  /** Whether an image is neither below another one nor belongs to one. */
  isRoot(digest: Digest): boolean {
    return this.owners(digest).length === 0;
  }

  /** The indexes that an image is below, and the images that it belongs to. */
  owners(digest: Digest): Digest[] {
    return [...(this.#parents.get(digest) ?? []), ...(this.#subjects.get(digest) ?? [])];
  }

  /** Those that must be gone before an image may go: what names it. */
  before(digest: Digest): Digest[] {
    return [...(this.#parents.get(digest) ?? []), ...(this.#belongings.get(digest) ?? [])];
  }

  /** Some images with everything below them, and everything that belongs to them. */
  neededBy(digests: Iterable<Digest>): Set<Digest> {
    const needed = new Set<Digest>();
    const open = [...digests];
    for (let digest = open.pop(); digest !== undefined; digest = open.pop()) {
      if (needed.has(digest)) continue;
      needed.add(digest);
      open.push(...(this.#children.get(digest) ?? []), ...(this.#belongings.get(digest) ?? []));
    }
    return needed;
  }
}
