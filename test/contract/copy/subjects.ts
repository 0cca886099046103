import { vi } from 'vitest';
import { EcrRegistry } from '../../../core/aws/ecr/registry.ts';
import type { RepositorySettings } from '../../../core/config/config.ts';
import type { ImageDestination, ImageSource } from '../../../core/copy/ports.ts';
import { RegistryRepository } from '../../../core/copy/registry-repository.ts';
import { RegistryClient } from '../../../core/registry/client.ts';
import { type EmbeddedRegistry, type RegistryOptions, startRegistry } from '../../../local/ecr/server.ts';
import { MemoryStore } from '../../support/memory-store.ts';

/** An implementation of the ports, with what tests need to look behind it. */
export interface Subject {
  store: ImageSource & ImageDestination;
  /** Another repository of the same registry, by the name that `mountFrom` takes. */
  sibling: { name: string; store: ImageSource & ImageDestination };
  /** The registry behind it; a store in memory has none. */
  registry?: EmbeddedRegistry;
  close(): Promise<void>;
}

export async function memorySubject(): Promise<Subject> {
  return {
    store: new MemoryStore('memory.example/app'),
    sibling: { name: 'sibling', store: new MemoryStore('memory.example/sibling') },
    close: async () => {},
  };
}

export async function distributionSubject(): Promise<Subject> {
  const registry = await startRegistry({ flavour: 'distribution' });
  const client = new RegistryClient({ registry: registry.host, endpoint: registry.endpoint, side: 'mirror' });
  return {
    store: new RegistryRepository(client, registry.host, 'app'),
    sibling: { name: 'sibling', store: new RegistryRepository(client, registry.host, 'sibling') },
    registry,
    async close() {
      await client.close();
      await registry.stop();
    },
  };
}

/** The defaults of mirror.yaml for repositories. */
export const plainSettings: RepositorySettings = {
  scanOnPush: true,
  encryption: { type: 'AES256' },
  immutableTags: false,
  pullAccounts: [],
  organizations: [],
  lifecycle: [],
};

/** The embedded ECR, and the adapter that finds it through the environment as it finds Amazon's. */
export async function startEcr(
  settings: RepositorySettings = plainSettings,
  options: Partial<RegistryOptions> = {},
): Promise<{ ecr: EcrRegistry; registry: EmbeddedRegistry; close(): Promise<void> }> {
  const registry = await startRegistry({ flavour: 'ecr', ...options });
  vi.stubEnv('AWS_ENDPOINT_URL_ECR', registry.endpoint);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'local');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local');
  const ecr = new EcrRegistry('eu-west-1', settings);
  return {
    ecr,
    registry,
    async close() {
      await ecr.close();
      await registry.stop();
      vi.unstubAllEnvs();
    },
  };
}

export async function ecrSubject(): Promise<Subject> {
  const { ecr, registry, close } = await startEcr();
  return {
    store: await ecr.repository('mirror/app'),
    sibling: { name: 'mirror/sibling', store: await ecr.repository('mirror/sibling') },
    registry,
    close,
  };
}
