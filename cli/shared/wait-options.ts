import type { Command } from 'commander';
import { parseDuration } from './parse-duration.ts';

/** Adds the options of commands that queue jobs and follow them. */
export function waitOptions(command: Command): Command {
  return command
    .option('--no-wait', 'do not follow what is queued')
    .option('--timeout <duration>', 'how long to follow it: 90s, 10m (default: to its end)', parseDuration);
}

/** What `--help` says about following jobs. */
export const waitHelp = `
Ctrl-C stops following; the jobs go on in the deployment. How a job can end:
  committed    copied, and the mapping names the copy
  satisfied    nothing to do: the mirror already had it, or the reason that is shown
  superseded   a later push took its place, or the tag is pinned
  failed       somebody has to fix something; the remedy is shown`;
