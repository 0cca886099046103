import { addressHelp } from '../shared/api-command.ts';

/** What `drayage jobs --help` prints after its options. */
export const jobsHelp = `${addressHelp}

Each push, request and rollback is a job; jobs are kept for 30 days. waiting: it is tried again at the time that is shown.
failed: somebody has to fix something; drayage jobs ID shows the remedy. --watch redraws the list on a terminal; elsewhere it
prints a line for each change, with --json an object for each.

Examples:
  $ drayage jobs                               the newest jobs
  $ drayage jobs --state failed --limit 100
  $ drayage jobs --image ghcr.io/acme/shop:1.0
  $ drayage jobs 01m85ak3j23mt8andghk1jng1z
  $ drayage jobs --watch --state copying --state waiting
  $ drayage jobs --state failed --json | jq -r '.jobs[].image' | sort -u | xargs drayage mirror

Exit codes: 0 done, 1 failed (with ID and --watch: unless the job ended well), 2 usage.`;
