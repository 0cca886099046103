import { RegistryRepository } from '../../../core/copy/registry-repository.ts';
import { blobsOf, type Manifest } from '../../../core/oci/manifest.ts';
import { RegistryClient } from '../../../core/registry/client.ts';
import type { MemoryStore } from '../memory-store.ts';

/** Copies all of a store into a repository of a registry that speaks HTTP. */
export async function pushStore(store: MemoryStore, host: string, repository: string): Promise<void> {
  await using client = new RegistryClient({ registry: host, side: 'mirror', endpoint: `http://${host}` });
  const target = new RegistryRepository(client, host, repository);
  const put = async (manifest: Manifest, reference: string) => {
    for (const blob of blobsOf(manifest)) {
      const opened = await target.openUpload(blob);
      if (opened.kind === 'session') await opened.upload.write(await store.blob(blob));
    }
    await target.putManifest(manifest, reference);
  };
  for (const manifest of store.manifests.values()) await put(manifest, manifest.digest);
  for (const [tag, named] of store.tags) await put(await store.manifest(named), tag);
}
