import { formatPlatform, InvalidPlatformError, normalizePlatform, parsePlatform } from '../oci/platform.ts';
import { formatReference, InvalidReferenceError, parseReference, type Reference } from '../oci/reference.ts';
import { isOfMirror, type MirrorNames, upstreamOf } from './mirror-origin.ts';
import type { NodeFacts, PodFacts } from './pod.ts';

/** Who uses an image. */
export interface Uses {
  /** Pods, by their number in the order of the input. */
  pods: Set<number>;
  /** Places in manifests and other files. */
  places: number;
  /** Some of them, for messages: `namespace/pod`, `file:line`. */
  examples: string[];
}

/** An image that is used, under its upstream name. */
export interface UsedImage extends Uses {
  /** Normalised. */
  image: string;
  reference: Reference;
  /** The pods that already name the mirror’s copy. */
  mirroredPods: Set<number>;
  /** How many of the places do. */
  mirroredPlaces: number;
  /** Digests that nodes run under this name. */
  digests: Set<string>;
  /** The pods that have pull secrets. */
  podsWithSecrets: Set<number>;
}

/** A text that stands where an image is named, and is not a reference. */
export interface InvalidImage extends Uses {
  text: string;
  reason: string;
}

/** How many examples of uses are kept. */
const mostExamples = 3;

/** What runs, and what manifests name. */
export class Inventory {
  readonly #names: MirrorNames;
  readonly #images = new Map<string, UsedImage>();
  readonly #invalid = new Map<string, InvalidImage>();
  readonly #unnamed = new Map<string, Uses & { image: string }>();
  readonly #parsed = new Map<string, Parsed>();
  readonly #platforms = new Map<string, number>();
  readonly #regions = new Map<string, number>();
  pods = 0;
  nodes = 0;

  constructor(names: MirrorNames) {
    this.#names = names;
  }

  /** Adds a pod with all of its images. */
  addPod({ name, namespace, images, hasPullSecrets }: PodFacts): void {
    const pod = this.pods++;
    for (const { text, original, digest } of images) {
      const { uses, image, isMirrored } = this.#find(text, original);
      if (image && digest) image.digests.add(digest);
      if (image && isMirrored) image.mirroredPods.add(pod);
      if (image && hasPullSecrets) image.podsWithSecrets.add(pod);
      // Containers of one pod often share an image.
      if (uses.pods.has(pod)) continue;
      uses.pods.add(pod);
      example(uses, namespace === '' ? name : `${namespace}/${name}`);
    }
  }

  /** Adds a reference of a manifest, or another text in its place. */
  addPlace(text: string, where: string): void {
    const { uses, image, isMirrored } = this.#find(text, undefined);
    uses.places++;
    example(uses, where);
    if (image && isMirrored) image.mirroredPlaces++;
  }

  addNode({ platform, region }: NodeFacts): void {
    this.nodes++;
    if (platform !== undefined) this.addPlatform(platform);
    if (region !== undefined) this.#regions.set(region, (this.#regions.get(region) ?? 0) + 1);
  }

  /** Adds a platform that images have to run on; what is not one is left out. */
  addPlatform(text: string): void {
    try {
      const name = formatPlatform(normalizePlatform(parsePlatform(text)));
      this.#platforms.set(name, (this.#platforms.get(name) ?? 0) + 1);
    } catch (error) {
      if (!(error instanceof InvalidPlatformError)) throw error;
    }
  }

  /** By registry and repository, then tag and digest. */
  get images(): UsedImage[] {
    return [...this.#images.values()].sort((a, b) => compare(a.image, b.image));
  }

  get invalid(): InvalidImage[] {
    return [...this.#invalid.values()].sort((a, b) => compare(a.text, b.text));
  }

  /** Images of the mirror whose names do not tell which upstream they came from. */
  get unnamed(): (Uses & { image: string })[] {
    return [...this.#unnamed.values()].sort((a, b) => compare(a.image, b.image));
  }

  /** The platforms of the nodes, each with its number of nodes; the most common one first. */
  get platforms(): [string, number][] {
    return [...this.#platforms].sort(([a, m], [b, n]) => n - m || compare(a, b));
  }

  /** The region that most nodes are in. */
  get region(): string | undefined {
    return [...this.#regions].sort(([a, m], [b, n]) => n - m || compare(a, b))[0]?.[0];
  }

  #find(text: string, original: string | undefined): { uses: Uses; image?: UsedImage; isMirrored?: boolean } {
    const parsed = this.#parse(text);
    if ('reason' in parsed)
      return { uses: entry(this.#invalid, text, () => ({ text, ...parsed, ...unused() })) };
    if (!isOfMirror(parsed, this.#names)) {
      const image = this.#image(parsed);
      return { uses: image, image, isMirrored: false };
    }
    const written = original === undefined ? undefined : this.#parse(original);
    const isKnown = written !== undefined && !('reason' in written) && !isOfMirror(written, this.#names);
    const upstream = isKnown ? written : upstreamOf(parsed, this.#names);
    if (upstream === undefined) {
      const image = formatReference(parsed);
      return { uses: entry(this.#unnamed, image, () => ({ image, ...unused() })) };
    }
    const image = this.#image(upstream);
    return { uses: image, image, isMirrored: true };
  }

  #image(reference: Reference): UsedImage {
    const image = formatReference(reference);
    return entry(this.#images, image, () => ({
      image,
      reference,
      mirroredPods: new Set(),
      mirroredPlaces: 0,
      digests: new Set(),
      podsWithSecrets: new Set(),
      ...unused(),
    }));
  }

  #parse(text: string): Parsed {
    return entry(this.#parsed, text, () => {
      try {
        return parseReference(text);
      } catch (error) {
        if (!(error instanceof InvalidReferenceError)) throw error;
        return { reason: error.reason };
      }
    });
  }
}

type Parsed = Reference | { reason: string };

function unused(): Uses {
  return { pods: new Set(), places: 0, examples: [] };
}

function entry<T>(map: Map<string, T>, key: string, make: () => T): T {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

function example({ examples }: Uses, where: string): void {
  if (examples.length < mostExamples) examples.push(where);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
