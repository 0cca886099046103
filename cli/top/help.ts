import { addressHelp } from '../shared/api-command.ts';

/** What `drayage top --help` prints after its options. */
export const topHelp = `${addressHelp}

Shows:
- how many jobs there are, what was mirrored today (UTC), and how much of it did not have to be transferred
- each upstream: whether it is rate-limited or down, when the last webhook arrived, and the lag from a webhook to the mapping
- the jobs that are copying, with their speed; the waiting jobs, with the reason and the end of the wait; and the latest failures

Press q or Ctrl-C to quit; the terminal then shows what it showed before. If the API does not answer, the display says so, and the
command tries again after increasing pauses (at most 30 s, or the --interval if that is longer).

Without a terminal, or with --once or --json, the command prints the state once. A line of --once begins with its kind: deployment,
jobs, savings, upstream, copying, waiting or failed. The name of the upstream or image follows, and then NAME=VALUE pairs, of which
message= is the last. Times are UTC, and sizes are in bytes. New pairs and kinds may be added.

Examples:
  $ drayage top
  $ drayage top --interval 10s
  $ drayage top --once
  $ drayage top --once | awk '$1 == "failed" { print $2 }'
  $ drayage top --json | jq '.status.jobs.queued'

Exit codes: 0 done, even if jobs have failed; 1 the command failed; 2 wrong usage.`;
