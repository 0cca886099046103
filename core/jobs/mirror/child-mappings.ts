import { platformTexts } from '../../copy/image-platforms.ts';
import type { CopyPlan } from '../../copy/plan.ts';
import type { MappingRecord } from '../../mapping/record.ts';
import { blobsOf, type Manifest } from '../../oci/manifest.ts';

/**
 * What the manifests below an index are mapped to, so that a reference by the digest of one of them
 * is answered, too: container runtimes and tools that resolve a platform pin images like that.
 *
 * @param root the mapping of the index itself
 */
export function childMappings(
  plan: Pick<CopyPlan, 'root' | 'children'>,
  root: MappingRecord,
): MappingRecord[] {
  const { mirrorRepository, region, observedAt, mirroredAt, job, verified, verifiedUnder } = root;
  const indexes = [plan.root, ...plan.children].flatMap((manifest) =>
    manifest.kind === 'index' ? manifest.manifests : [],
  );
  const byDigest = new Map(plan.children.map((child) => [child.digest, child]));
  const namedPlatforms = Map.groupBy(indexes, ({ digest }) => digest);
  return plan.children.map((child) => ({
    mirrorRepository,
    digest: child.digest,
    sourceDigest: child.digest,
    mediaType: child.mediaType,
    platforms:
      child.kind === 'index'
        ? platformTexts(child.manifests)
        : platformTexts(namedPlatforms.get(child.digest) ?? []),
    sizeBytes: sizeOf(child, byDigest),
    pin: false,
    region,
    observedAt,
    mirroredAt,
    job,
    // An index's signature covers what it names.
    ...(verified && { verified, verifiedUnder }),
  }));
}

/** Bytes of a manifest and everything below it, each manifest and blob once. */
function sizeOf(manifest: Manifest, byDigest: Map<string, Manifest>): number {
  const sizes = new Map<string, number>();
  const visit = (one: Manifest) => {
    if (sizes.has(one.digest)) return;
    sizes.set(one.digest, one.bytes.byteLength);
    for (const blob of blobsOf(one)) sizes.set(blob.digest, blob.size);
    for (const { digest } of one.kind === 'index' ? one.manifests : []) {
      const child = byDigest.get(digest);
      if (child) visit(child);
    }
  };
  visit(manifest);
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}
