import { addressHelp } from '../shared/api-command.ts';

/** What `drayage lookup --help` prints after its options. */
export const lookupHelp = `${addressHelp}

Prints a reference in the mirror for each image, one per line and in the order of the arguments. Images that are not mirrored
are named on standard error, after the others. Names work as in Docker: nginx is docker.io/library/nginx:latest. With a tag
and a digest, the digest counts. --json prints {"mappings":{REF: mapping},"missing":[REF]}.

--mapping reads a file that drayage export json or drayage sync --mapping wrote; it needs neither API nor
token. A file does not know the single platforms of an image by their own digests, as the API does.

Examples:
  $ drayage lookup nginx:1.27
  $ docker pull "$(drayage lookup ghcr.io/acme/shop:1.0 --pinned)"
  $ drayage lookup ghcr.io/acme/shop:1.0 ghcr.io/acme/web:2.3 --long
  $ drayage lookup nginx:1.27 --json | jq -r '.mappings[].regions | keys[]'
  $ drayage lookup nginx:1.27 --mapping mapping.json

Exit codes: 0 all are mirrored, 1 failed, 2 usage, 3 any is not mirrored.`;
