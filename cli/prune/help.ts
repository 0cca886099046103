import { addressHelp } from '../shared/api-command.ts';

/** What `drayage prune --help` prints after its options. */
export const pruneHelp = `${addressHelp} This needs the operator’s.

Only rules with "retention" let images go; without it, nothing is ever deleted. What is mapped or pinned stays, and what the
history needs, with its platforms, signatures and SBOMs. So does what has a tag that Drayage did not put. Without this command,
the deployment deletes once a day; the first time is a day after retention was first configured.

The deployment begins within a minute, and the command waits until it is done; Ctrl-C ends only the command. Bytes and dollars are
upper bounds: a layer that images share stays as long as one of them does. Dollars are for a month, at $0.10 per GB.

Examples:
  $ drayage prune                              what would be deleted
  $ drayage prune ghcr.io/acme/shop --delete   delete it in one repository

Exit codes: 0 done, 1 failed or not everything could be done, 2 usage.`;
