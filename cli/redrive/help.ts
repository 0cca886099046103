import { addressHelp } from '../shared/api-command.ts';
import { waitHelp } from '../shared/wait-options.ts';

/** What `drayage redrive --help` prints after its options. */
export const redriveHelp = `${addressHelp} This needs the operator’s.

Use it once the cause of a failure is fixed: credentials, a rule, the upstream, a bug. A failed job stays in the list. Its image
gets a new job, unless it has been mirrored since, another job of it is under way, or no rule names it any more. Rollbacks and
pins are not repeated: request them again. With --state waiting, jobs run now instead of at the time that is shown. With --state
queued or copying, their messages are sent again, for example after a queue was purged.
${waitHelp}

Examples:
  $ drayage jobs --state failed                what failed, and why
  $ drayage redrive                            retry all of it
  $ drayage redrive --since 6h --no-wait
  $ drayage redrive --image ghcr.io/acme/shop:1.0
  $ drayage redrive --state waiting            the upstream is back: do not wait any longer

Exit codes: 0 all ended well (or queued with --no-wait; or there was nothing to do), 1 any failed or has not ended, 2 usage.`;
