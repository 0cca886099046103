import { addressHelp } from '../shared/api-command.ts';

/** What `drayage export --help` prints after its list. */
export const exportHelp = `
What people apply begins with how to use it, and what it can't do. The API answers the mapping's formats, too:
GET /v1/exports/FORMAT.

Examples:
  $ drayage export json -o mapping.json
  $ drayage export csv --registry ghcr.io
  $ drayage export csv --help

Exit codes: 0 done, 1 failed, 2 usage.`;

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
