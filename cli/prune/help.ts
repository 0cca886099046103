import { addressHelp } from '../shared/api-command.ts';

/** What `drayage prune --help` prints after its options. */
export const pruneHelp = `${addressHelp} This needs the operator’s.

Only rules with "retention" let images go; without it, nothing is ever deleted. What is mapped or pinned stays, and what the
history needs, with its platforms, signatures and SBOMs. So does what has a tag that Drayage did not put. Without this command,
the deployment deletes once a day, for the first time a day after retention was first configured.

The deployment begins within a minute, and the command waits until it is done. Bytes and dollars are upper bounds: layers that
images share stay as long as one of them does. Dollars are a month's at $0.10 for a GB.

Examples:
  $ drayage prune                              what would be deleted
  $ drayage prune ghcr.io/acme/shop --delete   delete it in one repository

Exit codes: 0 done, 1 failed or not everything could be done, 2 usage.`;
