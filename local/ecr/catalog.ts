import { type Digest, isDigest } from '../../core/oci/digest.ts';
import { Mutex } from './mutex.ts';
import {
  isReferred,
  type Repository,
  type RepositoryExtras,
  type RepositorySettings,
  type StoredManifest,
} from './repository.ts';
import type {
  BlobStore,
  PartialBlob,
  RecordStore,
  RegistryStorage,
  StoredRecord,
} from './storage/blob-store.ts';

/** A change to a repository that was deleted meanwhile. */
export class RepositoryGoneError extends Error {
  readonly repository: string;
  constructor(repository: string) {
    super(`the repository ${repository} does not exist any more; create it and push the image again`);
    this.name = 'RepositoryGoneError';
    this.repository = repository;
  }
}

/** What is set for a repository. */
export type RepositorySet = Pick<Repository, 'settings' | 'extras'>;

/** A repository as it is stored; those of earlier versions have no `extras`. */
type RepositoryRecord = Pick<Repository, 'createdAt' | 'settings'> & Partial<Pick<Repository, 'extras'>>;

/** A manifest with its bytes, and the tag that should point to it. */
export interface ManifestToKeep {
  manifest: StoredManifest;
  bytes: Uint8Array;
  tag: string | undefined;
}

/**
 * Repositories, their blobs, manifests and tags. Reads are answered from memory. Changes are first
 * written and then applied, one at a time, so that acknowledged changes survive a restart.
 */
export class Catalog {
  readonly blobs: BlobStore;
  /** By which clock images are pushed, milliseconds since 1970. */
  readonly now: () => number;
  readonly #records: RecordStore;
  readonly #repositories = new Map<string, Repository>();
  readonly #settings = new Map<string, string>();
  readonly #changes = new Mutex();

  /** Use `Catalog.open` instead. */
  private constructor(storage: RegistryStorage, now: () => number) {
    this.now = now;
    this.blobs = storage.blobs;
    this.#records = storage.records;
  }

  /** @param records everything that the storage has loaded */
  static async open(
    storage: RegistryStorage,
    records: StoredRecord[],
    now: () => number = Date.now,
  ): Promise<Catalog> {
    const catalog = new Catalog(storage, now);
    const rank = (key: string) => (key.startsWith('repository ') ? 0 : 1);
    for (const { key, value } of records.toSorted((a, b) => rank(a.key) - rank(b.key))) {
      if (!catalog.#restore(key.split(' '), value)) await storage.records.remove(key);
    }
    return catalog;
  }

  /** @returns false for a record of a deleted repository, whose deletion was interrupted. */
  #restore([kind, name = '', item = '']: string[], value: unknown): boolean {
    if (kind === 'setting') {
      this.#settings.set(name, value as string);
      return true;
    }
    if (kind === 'repository') {
      this.#repositories.set(name, emptyRepository(name, value as RepositoryRecord));
      return true;
    }
    const repository = this.#repositories.get(name);
    if (repository === undefined) return kind !== 'layer' && kind !== 'manifest' && kind !== 'tag';
    if (kind === 'layer' && isDigest(item)) repository.layers.set(item, value as number);
    if (kind === 'manifest' && isDigest(item)) {
      repository.manifests.set(item, value as StoredManifest);
      archiveLayers(repository, value as StoredManifest);
    }
    if (kind === 'tag') repository.tags.set(item, value as Digest);
    return true;
  }

  /** A repository in its current state. */
  repository(name: string): Repository | undefined {
    return this.#repositories.get(name);
  }

  /** All repositories, by name. */
  repositories(): Repository[] {
    return [...this.#repositories.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** An account setting's value. */
  setting(name: string): string | undefined {
    return this.#settings.get(name);
  }

  /** Stores an account setting. */
  setSetting(name: string, value: string): Promise<void> {
    return this.#changes.run(async () => {
      await this.#records.put(`setting ${name}`, value);
      this.#settings.set(name, value);
    });
  }

  /** @returns the new repository, or undefined if one with this name exists */
  createRepository(
    name: string,
    settings: RepositorySettings,
    extras: RepositoryExtras = {},
  ): Promise<Repository | undefined> {
    return this.#changes.run(async () => {
      if (this.#repositories.has(name)) return undefined;
      const repository = emptyRepository(name, { createdAt: Date.now(), settings, extras });
      await this.#putRecord(repository);
      this.#repositories.set(name, repository);
      return repository;
    });
  }

  /**
   * Changes what is set for a repository. `change` runs with no other change in between.
   * @throws RepositoryGoneError, and what `change` throws
   */
  changeRepository(repository: Repository, change: (now: RepositorySet) => RepositorySet): Promise<void> {
    return this.#changes.run(async () => {
      this.#expectCurrent(repository);
      const { settings, extras } = change({ settings: repository.settings, extras: repository.extras });
      await this.#putRecord({ ...repository, settings, extras });
      repository.settings = settings;
      repository.extras = extras;
    });
  }

  /** Deletes a repository with everything in it. */
  deleteRepository(repository: Repository): Promise<void> {
    return this.#changes.run(async () => {
      if (this.#repositories.get(repository.name) !== repository) return;
      // First: if the rest is interrupted, the remains belong to no repository and are removed at
      // the next start.
      await this.#records.remove(`repository ${repository.name}`);
      this.#repositories.delete(repository.name);
      for (const tag of repository.tags.keys()) await this.#records.remove(`tag ${repository.name} ${tag}`);
      for (const digest of repository.manifests.keys()) {
        await this.#records.remove(`manifest ${repository.name} ${digest}`);
        await this.#collect(digest);
      }
      for (const digest of repository.layers.keys()) {
        await this.#records.remove(`layer ${repository.name} ${digest}`);
        await this.#collect(digest);
      }
    });
  }

  /**
   * Stores a received blob, whose digest was checked, and adds it to the repository. This consumes
   * the partial blob.
   * @throws RepositoryGoneError
   */
  addLayer(repository: Repository, digest: Digest, partial: PartialBlob): Promise<void> {
    return this.#changes.run(async () => {
      if (this.#repositories.get(repository.name) !== repository) await partial.discard();
      this.#expectCurrent(repository);
      const size = partial.length;
      if (this.#isHeld(digest)) await partial.discard();
      else await partial.commit(digest);
      await this.#linkLayer(repository, digest, size);
    });
  }

  /**
   * Adds a blob of another repository to a repository.
   * @returns false if the other does not have it any more
   * @throws RepositoryGoneError
   */
  mountLayer(repository: Repository, digest: Digest, from: Repository): Promise<boolean> {
    return this.#changes.run(async () => {
      this.#expectCurrent(repository);
      const size = from.layers.get(digest);
      if (size === undefined || this.#repositories.get(from.name) !== from) return false;
      await this.#linkLayer(repository, digest, size);
      return true;
    });
  }

  /** Removes a blob from a repository. */
  removeLayer(repository: Repository, digest: Digest): Promise<void> {
    return this.#changes.run(() => this.#unlinkLayer(repository, digest));
  }

  /**
   * Stores a manifest and points a tag to it. `check` runs right before, with no other change in
   * between. If it returns something other than undefined, nothing is stored, and that is returned.
   * @throws RepositoryGoneError
   */
  putManifest<Refusal>(
    repository: Repository,
    { manifest, bytes, tag }: ManifestToKeep,
    check: () => Refusal | undefined,
  ): Promise<Refusal | undefined> {
    return this.#changes.run(async () => {
      this.#expectCurrent(repository);
      const refusal = check();
      if (refusal !== undefined) return refusal;
      const held = repository.manifests.get(manifest.digest);
      if (held === undefined || held.archivedAt !== undefined) {
        if (!this.#isHeld(manifest.digest)) await this.blobs.put(manifest.digest, bytes);
        await this.#records.put(`manifest ${repository.name} ${manifest.digest}`, manifest);
        repository.manifests.set(manifest.digest, manifest);
        archiveLayers(repository, manifest);
      }
      if (tag !== undefined && repository.tags.get(tag) !== manifest.digest) {
        await this.#records.put(`tag ${repository.name} ${tag}`, manifest.digest);
        repository.tags.set(tag, manifest.digest);
      }
      return undefined;
    });
  }

  /** Archives a manifest with its tags, or restores it. */
  archive(repository: Repository, digest: Digest, archived: boolean): Promise<void> {
    return this.#changes.run(async () => {
      const held = repository.manifests.get(digest);
      if (held === undefined) return;
      const { archivedAt: _, ...active } = held;
      const stored: StoredManifest = archived ? { ...active, archivedAt: Date.now() } : active;
      await this.#records.put(`manifest ${repository.name} ${digest}`, stored);
      repository.manifests.set(digest, stored);
      archiveLayers(repository, stored);
    });
  }

  /** Removes a tag but keeps the manifest. */
  removeTag(repository: Repository, tag: string): Promise<void> {
    return this.#changes.run(() => this.#dropTag(repository, tag));
  }

  /**
   * Removes a manifest with all its tags from a repository.
   * @param options with `layers`, also removes the blobs that no other manifest there names
   */
  removeManifest(repository: Repository, digest: Digest, { layers = false } = {}): Promise<void> {
    return this.#changes.run(async () => {
      const manifest = repository.manifests.get(digest);
      if (manifest === undefined) return;
      for (const [tag, target] of [...repository.tags])
        if (target === digest) await this.#dropTag(repository, tag);
      await this.#records.remove(`manifest ${repository.name} ${digest}`);
      repository.manifests.delete(digest);
      await this.#collect(digest);
      if (!layers) return;
      for (const blob of manifest.blobs)
        if (!isReferred(repository, blob)) await this.#unlinkLayer(repository, blob);
    });
  }

  async #putRecord({ name, createdAt, settings, extras }: Repository): Promise<void> {
    const record: RepositoryRecord = { createdAt, settings, extras };
    await this.#records.put(`repository ${name}`, record);
  }

  #expectCurrent(repository: Repository): void {
    if (this.#repositories.get(repository.name) !== repository)
      throw new RepositoryGoneError(repository.name);
  }

  async #linkLayer(repository: Repository, digest: Digest, size: number): Promise<void> {
    repository.archivedLayers.delete(digest);
    if (repository.layers.has(digest)) return;
    await this.#records.put(`layer ${repository.name} ${digest}`, size);
    repository.layers.set(digest, size);
  }

  async #unlinkLayer(repository: Repository, digest: Digest): Promise<void> {
    if (!repository.layers.has(digest)) return;
    await this.#records.remove(`layer ${repository.name} ${digest}`);
    repository.layers.delete(digest);
    repository.archivedLayers.delete(digest);
    await this.#collect(digest);
  }

  async #dropTag(repository: Repository, tag: string): Promise<void> {
    await this.#records.remove(`tag ${repository.name} ${tag}`);
    repository.tags.delete(tag);
  }

  /** Whether the bytes are stored, that is, whether some repository has them. */
  #isHeld(digest: Digest): boolean {
    for (const { layers, manifests } of this.#repositories.values()) {
      if (layers.has(digest) || manifests.has(digest)) return true;
    }
    return false;
  }

  /** Removes bytes that no repository has any more. */
  async #collect(digest: Digest): Promise<void> {
    if (!this.#isHeld(digest)) await this.blobs.remove(digest);
  }
}

function emptyRepository(name: string, { createdAt, settings, extras = {} }: RepositoryRecord): Repository {
  return {
    name,
    createdAt,
    settings,
    extras,
    layers: new Map(),
    archivedLayers: new Set(),
    manifests: new Map(),
    tags: new Map(),
  };
}

/** Archives an archived manifest's layers, unless an active one names them, too. */
function archiveLayers(repository: Repository, { archivedAt, blobs }: StoredManifest): void {
  if (archivedAt === undefined) {
    for (const blob of blobs) repository.archivedLayers.delete(blob);
    return;
  }
  const active = [...repository.manifests.values()].filter((manifest) => manifest.archivedAt === undefined);
  const named = new Set(active.flatMap((manifest) => manifest.blobs));
  for (const blob of blobs) if (!named.has(blob)) repository.archivedLayers.add(blob);
}
