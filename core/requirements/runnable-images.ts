import type { CopyPlan } from '../copy/plan.ts';
import type { ImageManifest, Manifest } from '../oci/manifest.ts';
import type { Platform } from '../oci/platform.ts';

/** An image that something could run, and what its indexes say about it. */
export interface RunnableImage {
  manifest: ImageManifest;
  /** As the descriptors in its indexes name them; empty for a single image. */
  platforms: Platform[];
}

/** The media type of a statement of in-toto, which BuildKit's attestations consist of. */
const statementType = 'application/vnd.in-toto+json';

/**
 * The images of a plan, each once, without BuildKit's attestations. An index calls those
 * `unknown/unknown`, but what an index says is the publisher's word: only a manifest that has
 * nothing but statements in it, and so no file system, is left out.
 * https://docs.docker.com/build/metadata/attestations/attestation-storage/
 */
export function runnableImages({ root, children }: Pick<CopyPlan, 'root' | 'children'>): RunnableImage[] {
  const manifests = [root, ...children];
  const descriptors = manifests.flatMap((one) => (one.kind === 'index' ? one.manifests : []));
  const named = Map.groupBy(descriptors, ({ digest }) => digest);
  return manifests.flatMap((manifest) => {
    if (manifest.kind !== 'image' || isAttestation(manifest)) return [];
    const platforms = (named.get(manifest.digest) ?? []).flatMap(({ platform }) => platform ?? []);
    return [{ manifest, platforms }];
  });
}

function isAttestation({ layers }: ImageManifest): boolean {
  return layers.length > 0 && layers.every(({ mediaType }) => mediaType === statementType);
}

/** Manifests of a plan that nobody can tell anything about: neither images nor indexes. */
export function unknownManifests({ root, children }: Pick<CopyPlan, 'root' | 'children'>): Manifest[] {
  return [root, ...children].filter(({ kind }) => kind === 'other');
}
