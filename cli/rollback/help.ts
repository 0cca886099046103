import { addressHelp } from '../shared/api-command.ts';
import { waitHelp } from '../shared/wait-options.ts';

/** What `drayage rollback --help` prints after its options. */
export const rollbackHelp = `${addressHelp} This needs the operator’s.

The tag in the mirror and its mapping go back to an image that the tag pointed to before, as drayage history shows. The image
must still be in the mirror: nothing is copied. The tag is pinned, so that later pushes don’t move it; drayage unpin lets it
follow the upstream again.
${waitHelp}

Examples:
  $ drayage history ghcr.io/acme/shop:1.0
  $ drayage rollback ghcr.io/acme/shop:1.0 sha256:5f641ca002a3
  $ drayage rollback ghcr.io/acme/shop:1.0 5f64 --json | jq -r '.jobs[0].state'

Exit codes: 0 the tag points to the digest and is pinned (or queued with --no-wait), 1 failed, 2 usage, 3 not mirrored.`;
