import { addressHelp } from '../shared/api-command.ts';

/** What `drayage reconcile --help` prints after its options. */
export const reconcileHelp = `${addressHelp} This needs the operator’s.

The deployment compares the tags that the rules select with what is mapped, and what is mapped with what the mirror holds. It
queues what differs, and corrects the settings of its repositories. It begins within a minute, and goes on without this
command: Ctrl-C only stops following it. Without a request, each rule is compared as often as its "reconcile" says (by default
once a day), and at once when it is new or has changed.

With --dry-run, the deployment compares and changes nothing. The command lists which tags would be queued or unmapped, and which
settings would be corrected, with the reason for each. "unmap, queue": the mirror has lost the image, and would get it again.

Examples:
  $ drayage reconcile ghcr.io/acme/shop --dry-run         what would be done
  $ drayage reconcile                                     compare everything now
  $ drayage reconcile ghcr.io/acme/shop && drayage jobs --watch

Exit codes: 0 done, or requested with --no-wait; 1 something could not be compared; 2 usage.`;
