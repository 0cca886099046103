import { addressHelp } from '../shared/api-command.ts';
import { waitHelp } from '../shared/wait-options.ts';

/** What `drayage redrive --help` prints after its options. */
export const redriveHelp = `${addressHelp} This needs the operator’s.

Use it once the reason of a failure is fixed: credentials, a rule, the upstream, a bug. A failed job stays in the list; its image
gets a new one, unless it was mirrored since, a job of it is under way, or no rule names it any more. Rollbacks and pins are not
repeated: ask for them again. --state waiting: now instead of at the time that is shown; --state queued and copying: for messages
that were lost, as by purging the queue.
${waitHelp}

Examples:
  $ drayage jobs --state failed                what failed, and why
  $ drayage redrive                            all of it again
  $ drayage redrive --since 6h --no-wait
  $ drayage redrive --image ghcr.io/acme/shop:1.0
  $ drayage redrive --state waiting            the upstream is back: do not wait for the next look

Exit codes: 0 all ended well (or queued with --no-wait; or there was nothing to do), 1 any failed or has not ended, 2 usage.`;
