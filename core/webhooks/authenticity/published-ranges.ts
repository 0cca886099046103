/** Addresses that a sender publishes for its webhooks. */
export interface PublishedRanges {
  /** Where they stand. */
  source: string;
  /** When they were taken from there. */
  asOf: string;
  ranges: readonly string[];
}

/**
 * Kept by hand, by the names of the sources: only senders that publish where their webhooks come
 * from, and that run as one service. A sender may change its addresses at any time, so compare
 * these with their source before a release.
 */
export const publishedRanges: ReadonlyMap<string, PublishedRanges> = new Map([
  [
    'github',
    {
      // GitHub.com alone: an Enterprise Server sends from its own addresses.
      source: 'https://api.github.com/meta (hooks)',
      asOf: '2026-12-01',
      ranges: [
        '192.30.252.0/22',
        '185.199.108.0/22',
        '140.82.112.0/20',
        '143.55.64.0/20',
        '2a0a:a440::/29',
        '2606:50c0::/32',
      ],
    },
  ],
  [
    'gitlab',
    {
      // GitLab.com alone: a self-managed GitLab sends from its own addresses.
      source: 'https://docs.gitlab.com/user/gitlab_com/#ip-range',
      asOf: '2026-12-01',
      ranges: ['34.74.90.64/28', '34.74.226.0/24'],
    },
  ],
]);
