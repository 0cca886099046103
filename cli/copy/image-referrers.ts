import type { CallOptions, ImageSource } from '../../core/copy/ports.ts';
import { copyReferrers } from '../../core/copy/referrers/copy-referrers.ts';
import { findReferrers } from '../../core/copy/referrers/find-referrers.ts';
import { type ReferrersSummary, summariseReferrers } from '../../core/copy/referrers/referrers.ts';
import type { ReferrersDestination } from '../../core/copy/referrers/referrers-tag.ts';
import type { Manifest } from '../../core/oci/manifest.ts';
import { isManifestType } from '../../core/oci/media-types.ts';

/**
 * Copies the signatures, SBOMs and the like of an image that the destination holds. Of an index that a platform filter made
 * there are none; of its children there may be.
 *
 * @throws only the signal's reason: what fails is told as missing
 */
export async function copyImageReferrers(
  source: ImageSource,
  destination: ReferrersDestination,
  image: { source: Manifest; root: Manifest },
  options: CallOptions,
): Promise<ReferrersSummary> {
  const { root } = image;
  const children =
    root.kind === 'index' ? root.manifests.filter((child) => isManifestType(child.mediaType)) : [];
  const subjects = [image.source.digest, ...children.map(({ digest }) => digest)];
  const withoutRoot = root.digest !== image.source.digest;
  const found = await findReferrers(source, subjects, { ...options, withoutRoot });
  return summariseReferrers(await copyReferrers(source, destination, found, options));
}

/** What of an image's referrers is not in the destination, a line each; none where all are. */
export function missingReferrers(referrers: ReferrersSummary | undefined): string[] {
  if (referrers === undefined) return [];
  const { missing, moreMissing, incomplete } = referrers;
  return [
    ...missing.map(({ digest, tag, reason }) => `the referrer ${tag ?? digest} was not copied: ${reason}`),
    ...(moreMissing ? [`${moreMissing} more referrers were not copied`] : []),
    ...(incomplete ? [`there may be more referrers than were found: ${incomplete.reason}`] : []),
  ];
}

/** `referrers: 3 copied`, or how many are missing; those that were there before count as copied. */
export function formatReferrers({ copied, missing, moreMissing, incomplete }: ReferrersSummary): string {
  const lacking = missing.length + (moreMissing ?? 0);
  return `referrers: ${copied} copied${lacking > 0 ? `, ${lacking} missing` : ''}${incomplete ? ', perhaps more' : ''}`;
}
