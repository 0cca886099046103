import type { ReferrersSummary } from '../../core/copy/referrers/referrers.ts';

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
