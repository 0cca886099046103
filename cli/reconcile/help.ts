import { addressHelp } from '../shared/api-command.ts';

/** What `drayage reconcile --help` prints after its options. */
export const reconcileHelp = `${addressHelp} This needs the operator’s.

The deployment compares the tags that the rules select with what is mapped, and what is mapped with what the mirror holds; it
queues what differs. It begins within a minute and goes on by itself: watch the jobs. Without a request, each rule is
compared as often as its "reconcile" says, by default once a day, and at once when it is new or has changed.

Examples:
  $ drayage reconcile                                     everything
  $ drayage reconcile ghcr.io/acme/shop && drayage jobs --watch

Exit codes: 0 requested, 1 failed, 2 usage.`;
