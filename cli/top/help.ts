import { addressHelp } from '../shared/api-command.ts';

/** What `drayage top --help` prints after its options. */
export const topHelp = `${addressHelp}

Shows the counts of jobs, what was mirrored today (UTC) and how much of it was not transferred, each upstream (whether its rate
limit is reached or it is down, when a webhook was last heard, how long an image takes from the webhook to the mapping), the jobs
that copy with their speed, those that wait with the reason and until when, and the latest failures. q or Ctrl-C ends it; the
screen is then as it was. If the API does not answer, that is shown, and it is asked again, later each time, at least every 30 s.

Without a terminal, or with --once or --json, the state is printed once. A line of --once begins with its kind: deployment, jobs,
savings, upstream, copying, waiting or failed. Then come the upstream's or the image's name and NAME=VALUE pairs, of which
message= is the last; times are UTC and sizes are bytes. New pairs and kinds may be added.

Examples:
  $ drayage top
  $ drayage top --interval 10s
  $ drayage top --once
  $ drayage top --once | awk '$1 == "failed" { print $2 }'
  $ drayage top --json | jq '.status.jobs.queued'

Exit codes: 0 done, whatever the jobs do; 1 failed, 2 usage.`;
