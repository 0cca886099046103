import { addressHelp } from '../shared/api-command.ts';
import { waitHelp } from '../shared/wait-options.ts';

const exitCodes = 'Exit codes: 0 done (or queued with --no-wait), 1 failed, 2 usage, 3 not mirrored.';

/** What `drayage pin --help` prints after its options. */
export const pinHelp = `${addressHelp} This needs the operator’s.

Pushes to a pinned tag are still noticed, and their jobs end as superseded: neither the tag in the mirror nor its mapping
moves. drayage lookup shows whether a tag is pinned ("pin" in its JSON).
${waitHelp}

Examples:
  $ drayage pin ghcr.io/acme/shop:1.0
  $ drayage rollback ghcr.io/acme/shop:1.0 sha256:5f641ca002a3       pins an earlier image

${exitCodes}`;

/** What `drayage unpin --help` prints after its options. */
export const unpinHelp = `${addressHelp} This needs the operator’s.

The deployment looks at the upstream at once, and copies what the tag points to there now.
${waitHelp}

Example:
  $ drayage unpin ghcr.io/acme/shop:1.0

${exitCodes}`;
