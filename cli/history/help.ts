import { addressHelp } from '../shared/api-command.ts';

/** What `drayage history --help` prints after its options. */
export const historyHelp = `${addressHelp}

The first line is what the tag is mapped to now. Entries are kept for mirror.history of mirror.yaml (default: 30 days) after
another took their place. A file of --mapping holds no history: only the API has it.

Examples:
  $ drayage history ghcr.io/acme/shop:1.0
  $ drayage history ghcr.io/acme/shop:1.0 --json | jq -r '.history[1].digest'
  $ drayage rollback ghcr.io/acme/shop:1.0 sha256:5f641ca002a3

Exit codes: 0 done, 1 failed, 2 usage, 3 never mirrored.`;
