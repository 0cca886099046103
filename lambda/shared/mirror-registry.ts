import type { EcrRegistry } from '../../core/aws/ecr/registry.ts';
import type { CallOptions } from '../../core/copy/ports.ts';
import type { OpenMirror } from '../../core/jobs/dependencies.ts';
import type { MappingStore } from '../../core/mapping/store.ts';

/** The mirror registry of a region. The table records its host. */
export class MirrorRegistry {
  readonly #registry: Pick<EcrRegistry, 'region' | 'host' | 'repository'>;
  readonly #mappings: Pick<MappingStore, 'putRegistryHost'>;
  #recordedHost: string | undefined;

  constructor(
    registry: Pick<EcrRegistry, 'region' | 'host' | 'repository'>,
    mappings: Pick<MappingStore, 'putRegistryHost'>,
  ) {
    this.#registry = registry;
    this.#mappings = mappings;
  }

  /** Opens a repository, and records the registry's address in the table. */
  async open(repository: string, options: CallOptions): Promise<OpenMirror> {
    const { region } = this.#registry;
    const host = await this.#registry.host(options);
    if (host !== this.#recordedHost) {
      await this.#mappings.putRegistryHost(region, host);
      this.#recordedHost = host;
    }
    return { region, destination: await this.#registry.repository(repository, options) };
  }
}
