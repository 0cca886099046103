import { addressHelp } from '../shared/api-command.ts';

/** What `drayage export --help` prints after its list. */
export const exportHelp = `
Each text that you apply somewhere begins with how to use it and what it can't do. The API returns the formats up to kyverno-data,
too: GET /v1/exports/FORMAT.

Examples:
  $ drayage export json -o mapping.json
  $ drayage export csv --registry ghcr.io
  $ drayage export admission-policy | kubectl apply --server-side -f -
  $ drayage export containerd --help

Exit codes: 0 done, 1 failed, 2 usage. docs/clusters.md says which one suits which cluster.`;

/** What `drayage export FORMAT --help` prints after its options. */
export function formatHelp(format: string): string {
  return `${addressHelp}

The API makes exports from a snapshot of the mapping, which is up to a minute old. --mapping reads a file that drayage export
json or drayage sync --mapping wrote; it needs neither API nor token.

Examples:
  $ drayage export ${format}
  $ drayage export ${format} --registry ghcr.io --repository acme/shop
  $ drayage export ${format} --mapping mapping.json -o FILE

Exit codes: 0 done, 1 failed, 2 usage.`;
}
