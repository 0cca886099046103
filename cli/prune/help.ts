import { addressHelp } from '../shared/api-command.ts';

/** What `drayage prune --help` prints after its options. */
export const pruneHelp = `${addressHelp} This command needs the operator’s.

Only images whose rule has "retention" can be deleted. Images that are mapped, pinned or needed by the history stay, with their
platforms, signatures and SBOMs. So do images with a tag that Drayage did not put. The deployment also deletes images by itself, once
a day, starting a day after retention was first configured.

The deployment starts within a minute, and the command waits until it is done. Ctrl-C ends only the command. Bytes and dollars are
upper bounds: a layer that images share stays as long as one of them does. Dollars are per month, at $0.10 per GB.

Examples:
  $ drayage prune                              list what would be deleted
  $ drayage prune ghcr.io/acme/shop --delete   delete the images of one repository

Exit codes: 0 done, 1 failed or not complete, 2 wrong usage.`;
