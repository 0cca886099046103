import type { CallOptions, OpenedUpload } from '../../core/copy/ports.ts';
import { RegistryRepository } from '../../core/copy/registry-repository.ts';
import type { Descriptor } from '../../core/oci/descriptor.ts';
import type { Manifest } from '../../core/oci/manifest.ts';
import type { Reference } from '../../core/oci/reference.ts';
import type { RegistryClient } from '../../core/registry/client.ts';

/**
 * A destination that knows which manifests were written to it, for whoever interrupts a copy, and
 * which blob an upload was to be opened for when that failed: the registry is not told it yet, so
 * that its error can't name it.
 */
export class CopyDestination extends RegistryRepository {
  readonly #begun = new Set<string>();
  readonly #written = new Set<string>();
  readonly #failed = new WeakMap<object, Descriptor>();
  readonly #createRepository: (() => Promise<void>) | undefined;

  /**
   * @param createRepository called before anything is written; absent if the repository exists or
   * is created by itself
   */
  constructor(
    client: RegistryClient,
    { registry, repository }: Reference,
    createRepository?: () => Promise<void>,
  ) {
    super(client, registry, repository);
    this.#createRepository = createRepository;
  }

  override async openUpload(
    blob: Descriptor,
    options?: CallOptions & { mountFrom?: string },
  ): Promise<OpenedUpload> {
    try {
      await this.#createRepository?.();
      return await super.openUpload(blob, options);
    } catch (error) {
      // Other uploads that the first failure cancels end with the same error: the blob is that of
      // the first.
      if (error instanceof Error && !this.#failed.has(error)) this.#failed.set(error, blob);
      throw error;
    }
  }

  override async putManifest(manifest: Manifest, reference: string, options?: CallOptions): Promise<void> {
    await this.#createRepository?.();
    this.#begun.add(reference);
    await super.putManifest(manifest, reference, options);
    this.#written.add(reference);
  }

  /** The blob whose upload could not be opened, if that is what the error tells. */
  failedBlob(error: unknown): Descriptor | undefined {
    return error instanceof Error ? this.#failed.get(error) : undefined;
  }

  /** What is true of the destination when a copy to `target`, a tag or a digest, ends now. */
  interrupted(target: string): string {
    const image = `${this.name}${target.includes(':') ? '@' : ':'}${target}`;
    if (this.#written.has(target)) return `interrupted; ${image} is written`;
    if (this.#begun.has(target))
      return `interrupted while ${image} was being written: it may be there or not; copy again to be sure`;
    if (this.#begun.size > 0)
      return `interrupted; manifests of single platforms may be written, ${image} was not touched`;
    return 'interrupted; nothing was committed';
  }
}
