import { addressHelp } from '../shared/api-command.ts';
import { waitHelp } from '../shared/wait-options.ts';

/** What `drayage mirror --help` prints after its options. */
export const mirrorHelp = `${addressHelp} This needs the operator’s.

Does for the named images what a webhook does after a push: the deployment looks at the upstream and copies what the mirror
lacks. Use it for a first copy, or when an event was lost. Names work as in Docker: nginx is docker.io/library/nginx:latest.
${waitHelp}

Examples:
  $ drayage mirror docker.io/library/nginx:1.27
  $ drayage mirror ghcr.io/acme/shop:1.0 ghcr.io/acme/web:2.3 --timeout 10m
  $ xargs drayage mirror --no-wait < images.txt
  $ drayage mirror nginx:1.27 --json | jq -r '.jobs[] | select(.state == "failed") | .error.remedy'

Exit codes: 0 all are mirrored (or queued with --no-wait), 1 any failed or has not ended, 2 usage.`;
