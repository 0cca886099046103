import { addressHelp } from '../shared/api-command.ts';

/** What `drayage reconcile --help` prints after its options. */
export const reconcileHelp = `${addressHelp} This needs the operator’s.

The deployment compares the tags that the rules select with what is mapped, and what is mapped with what the mirror holds; it
queues what differs, and puts the settings of its repositories right. It begins within a minute, and goes on without this
command: Ctrl-C only stops following it. Without a request, each rule is compared as often as its "reconcile" says, by default
once a day, and at once when it is new or has changed.

--dry-run makes the deployment compare, and changes nothing: it lists which tags would be queued, unmapped or mended, and
which settings would be put right, with the reason for each.

Examples:
  $ drayage reconcile ghcr.io/acme/shop --dry-run         what would be done
  $ drayage reconcile                                     everything
  $ drayage reconcile ghcr.io/acme/shop && drayage jobs --watch

Exit codes: 0 done, or requested with --no-wait; 1 something could not be compared; 2 usage.`;
