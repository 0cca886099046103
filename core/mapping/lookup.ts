import { InvalidReferenceError, parseReference } from '../oci/reference.ts';
import { type ImageKey, imageKey, type Mapping, presentMapping, type RegistryHosts } from './record.ts';
import type { MappingStore } from './store.ts';

/** What many references resolve to; every input appears in exactly one of the three fields. */
export interface Resolved {
  /** Keyed by the input strings, unchanged. */
  mappings: Record<string, Mapping>;
  missing: string[];
  invalid: { image: string; message: string }[];
}

/**
 * Looks up many references at once. A reference with both tag and digest is looked up by its
 * digest, and never resolves to another one.
 *
 * @param region whose mirror to use; by default, the mapping's own.
 */
export async function resolveImages(
  store: Pick<MappingStore, 'readMany' | 'registryHosts'>,
  images: string[],
  region?: string,
): Promise<Resolved> {
  const resolved: Resolved = { mappings: Object.create(null), missing: [], invalid: [] };
  const keys = new Map<string, ImageKey>();
  for (const image of new Set(images)) {
    try {
      keys.set(image, imageKey(parseReference(image)));
    } catch (error) {
      if (!(error instanceof InvalidReferenceError)) throw error;
      resolved.invalid.push({ image, message: error.message });
    }
  }
  const distinct = new Map([...keys.values()].map((key) => [keyText(key), key]));
  const [stored, hosts] = await Promise.all([store.readMany([...distinct.values()]), store.registryHosts()]);
  const found = new Map(stored.map((entry) => [keyText(entry.key), entry]));
  for (const [image, key] of keys) {
    const entry = found.get(keyText(key));
    const mapping = entry && presentMapping(entry, hosts, region);
    if (mapping) resolved.mappings[image] = mapping;
    else resolved.missing.push(image);
  }
  return resolved;
}

/** One image's mapping, or undefined if none was published. */
export async function lookupImage(
  store: Pick<MappingStore, 'readMany' | 'registryHosts'>,
  key: ImageKey,
  region?: string,
): Promise<Mapping | undefined> {
  const [[stored], hosts]: [Awaited<ReturnType<MappingStore['readMany']>>, RegistryHosts] = await Promise.all(
    [store.readMany([key]), store.registryHosts()],
  );
  return stored && presentMapping(stored, hosts, region);
}

function keyText(key: ImageKey): string {
  return `${key.registry}/${key.repository} ${key.reference}`;
}
