import type { CopyPlan } from '../copy/plan.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { ImageManifest, Manifest } from '../oci/manifest.ts';
import type { Platform } from '../oci/platform.ts';

/** An image that something could run, and what its indexes say about it. */
export interface RunnableImage {
  manifest: ImageManifest;
  /** As the descriptors in its indexes name them; empty for a single image. */
  platforms: Platform[];
  /** False if it only has statements, though some index gives it a platform like an image's. */
  hasFiles: boolean;
}

/** The media type of a statement of in-toto, which BuildKit's attestations consist of. */
const statementType = 'application/vnd.in-toto+json';

/**
 * The images of a plan, each once, without BuildKit's attestations. Every index calls those
 * `unknown/unknown`, so that nothing runs them, and they have nothing but statements in them. What
 * does not look like that in both ways may be run by somebody, and is checked.
 * https://docs.docker.com/build/metadata/attestations/attestation-storage/
 */
export function runnableImages({ root, children }: Pick<CopyPlan, 'root' | 'children'>): RunnableImage[] {
  const manifests = [root, ...children];
  const descriptors = manifests.flatMap((one) => (one.kind === 'index' ? one.manifests : []));
  const named = Map.groupBy(descriptors, ({ digest }) => digest);
  return manifests.flatMap((manifest) => {
    if (manifest.kind !== 'image') return [];
    const naming = named.get(manifest.digest) ?? [];
    if (isAttestation(manifest) && naming.length > 0 && naming.every(isUnknown)) return [];
    return [
      {
        manifest,
        hasFiles: !isAttestation(manifest),
        platforms: naming.flatMap(({ platform }) => platform ?? []),
      },
    ];
  });
}

function isUnknown({ platform }: Pick<Descriptor, 'platform'>): boolean {
  return platform?.os === 'unknown' && platform.architecture === 'unknown';
}

function isAttestation({ layers }: ImageManifest): boolean {
  return layers.length > 0 && layers.every(({ mediaType }) => mediaType === statementType);
}

/** Manifests of a plan that nobody can tell anything about: neither images nor indexes. */
export function unknownManifests({ root, children }: Pick<CopyPlan, 'root' | 'children'>): Manifest[] {
  return [root, ...children].filter(({ kind }) => kind === 'other');
}
