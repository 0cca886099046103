import type { CallOptions } from '../../core/copy/ports.ts';
import { RegistryRepository } from '../../core/copy/registry-repository.ts';
import type { Manifest } from '../../core/oci/manifest.ts';

/** A destination that knows which manifests were written to it, for whoever interrupts a copy. */
export class CopyDestination extends RegistryRepository {
  readonly #begun = new Set<string>();
  readonly #written = new Set<string>();

  override async putManifest(manifest: Manifest, reference: string, options?: CallOptions): Promise<void> {
    this.#begun.add(reference);
    await super.putManifest(manifest, reference, options);
    this.#written.add(reference);
  }

  /** What is true of the destination when a copy to `target`, a tag or a digest, ends now. */
  interrupted(target: string): string {
    const image = `${this.name}${target.includes(':') ? '@' : ':'}${target}`;
    if (this.#written.has(target)) return `interrupted; ${image} is written, but was not read back`;
    if (this.#begun.has(target))
      return `interrupted while ${image} was being written: it may be there or not; copy again to be sure`;
    if (this.#begun.size > 0)
      return `interrupted; manifests of single platforms may be written, ${image} was not touched`;
    return 'interrupted; nothing was committed';
  }
}
