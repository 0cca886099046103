import type { ImageSource } from '../../core/copy/ports.ts';
import type { OpenMirror, TagLister } from '../../core/jobs/dependencies.ts';
import { type Digest, isDigest } from '../../core/oci/digest.ts';
import type { Manifest } from '../../core/oci/manifest.ts';
import { RegistryError } from '../../core/registry/errors.ts';
import { holdImage } from '../support/memory-image.ts';
import { MemoryStore } from '../support/memory-store.ts';
import { destinationLike, sourceLike } from '../support/recording-stores.ts';
import type { Machine } from './machine.ts';
import { images, key } from './subject.ts';

/** For so long after a push, upstream's caches may be behind, milliseconds. */
const cachedMs = 60_000;

/** Holds all images: blobs can't be mistaken for others, so only tags are of interest. */
const everything = new MemoryStore('a registry');
for (const image of images) holdImage(everything, image);

/** What upstream's tag points to, since a time; `version` -1: it is deleted. */
interface Pushed {
  version: number;
  at: number;
}

/** The tag upstream, and in the mirror. */
export class Registries {
  readonly #machine: Machine;
  readonly #pushed: Pushed[];
  #mirrorTag: Digest | undefined;
  /** The images in the mirror. */
  readonly #held: Set<Digest>;
  #mirrorWrites = 0;

  constructor(machine: Machine, before?: Registries) {
    this.#machine = machine;
    this.#pushed = before ? [...before.#pushed] : [];
    this.#mirrorTag = before ? before.#mirrorTag : undefined;
    this.#held = new Set(before ? before.#held : []);
  }

  get mirrorTag(): Digest | undefined {
    return this.#mirrorTag;
  }

  /** Whether the mirror has an image. */
  holds(digest: Digest): boolean {
    return this.#held.has(digest);
  }

  /** Deletes an image from the mirror, with its tag. */
  remove(digest: Digest): void {
    this.#machine.trace.push(`the mirror loses ${digest.slice(7, 13)}`);
    this.#held.delete(digest);
    if (this.#mirrorTag === digest) this.#mirrorTag = undefined;
    this.#mirrorWrites += 1;
  }

  /** What upstream's tag points to now. */
  get version(): number {
    return this.#pushed.at(-1)?.version ?? -1;
  }

  /** Moves upstream's tag; -1 deletes it. */
  push(version: number): void {
    this.#machine.trace.push(version < 0 ? 'upstream’s tag is deleted' : `v${version} is pushed`);
    this.#pushed.push({ version, at: this.#machine.now });
  }

  writesTo(place: string): number {
    return place === 'upstream' ? this.#pushed.length : place === 'mirror' ? this.#mirrorWrites : 0;
  }

  fingerprint(): unknown {
    return [[...this.#pushed], this.#mirrorTag, new Set(this.#held)];
  }

  upstream(): ImageSource & TagLister {
    const source = sourceLike(everything, {
      manifest: async (reference) => {
        if (isDigest(reference)) return await everything.manifest(reference);
        const digest = (await this.#ask('reads upstream’s tag')) as Digest;
        return await everything.manifest(digest);
      },
    });
    return {
      ...source,
      async *listTags() {
        yield key.reference;
      },
      hasTag: () => this.hasTag(),
    };
  }

  /** What upstream's tag points to; undefined if there is none. */
  async upstreamDigest(): Promise<Digest | undefined> {
    return (await this.#ask('asks for upstream’s digest')) as Digest | undefined;
  }

  /** Whether upstream has the tag. */
  async hasTag(): Promise<boolean> {
    return await this.#ask('asks for upstream’s tag').then(
      () => true,
      (error: unknown) => {
        if (error instanceof RegistryError && error.status === 404) return false;
        throw error;
      },
    );
  }

  mirror(): OpenMirror['destination'] {
    const destination = destinationLike(everything, {
      name: 'the mirror',
      putManifest: async (manifest: Manifest, reference: string) => {
        if (isDigest(reference)) return;
        await this.#machine.call({
          label: `moves the mirror’s tag to ${manifest.digest.slice(7, 13)}`,
          place: 'mirror',
          effect: () => {
            this.#mirrorTag = manifest.digest;
            this.#held.add(manifest.digest);
            this.#mirrorWrites += 1;
          },
        });
      },
      tagDigest: async (tag: string) => {
        if (isDigest(tag)) return this.#held.has(tag) ? tag : undefined;
        const effect = () => this.#mirrorTag;
        return (await this.#machine.call({
          label: 'reads the mirror’s tag',
          place: 'mirror',
          effect,
        })) as Digest;
      },
    });
    return { ...destination, manifest: (reference) => everything.manifest(reference) };
  }

  async #ask(label: string): Promise<unknown> {
    return await this.#machine.call({
      label,
      place: 'upstream',
      effect: () => digestOf(this.version),
      stale: () => {
        const { length } = this.#pushed;
        const [before, latest] = [this.#pushed[length - 2], this.#pushed[length - 1]];
        if (!before || !latest || this.#machine.now - latest.at >= cachedMs) return undefined;
        return () => digestOf(before.version);
      },
    });
  }
}

function digestOf(version: number): Digest {
  const image = images[version];
  if (image) return image.manifest.digest;
  throw new RegistryError(
    { side: 'upstream', registry: key.registry, operation: 'get manifest', reference: key.reference },
    { code: 'MANIFEST_UNKNOWN', status: 404, reason: 'it has no such manifest' },
  );
}
