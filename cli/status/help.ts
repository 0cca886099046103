import { addressHelp } from '../shared/api-command.ts';

/** What `drayage status --help` prints after its options. */
export const statusHelp = `${addressHelp}

Shows the mirror’s registries, how many jobs are under way, wait, or have failed in the last day, the job that waits longest,
and for each upstream whether its rate limit is reached or it is down, when its webhooks last delivered something, how long images
took from the webhook to the mapping since yesterday (the median and the longest, within a tenth), and how it is compared with the mirror: how many repositories, when last, when next, and which ones failed. --json prints GET /v1/status.

Examples:
  $ drayage status
  $ drayage status --json | jq .jobs.failed.count

Exit codes: 0 done, whatever the jobs do; 1 failed, 2 usage.`;
