import { apiAddress } from '../api/address.ts';
import { DrayageApi } from '../api/client.ts';
import type { ApiFlags } from '../shared/api-command.ts';
import { NotMirroredError } from '../shared/command-error.ts';
import { UsageError } from '../shared/usage-error.ts';
import { historyTable } from './table.ts';

/** The options of `drayage history`. */
export interface HistoryFlags extends ApiFlags {
  mapping?: string;
}

/** `drayage history` */
export async function runHistory(image: string, flags: HistoryFlags): Promise<void> {
  if (flags.mapping !== undefined)
    throw new UsageError(
      'a mapping file holds only what tags are mapped to now: ask the API for the history, with --api or DRAYAGE_API',
    );
  const history = await new DrayageApi(apiAddress(flags)).history(image);
  if (history === undefined) throw new NotMirroredError([image]);
  if (flags.json) process.stdout.write(`${JSON.stringify(history)}\n`);
  else process.stdout.write(`${historyTable(history.history, process.stdout).join('\n')}\n`);
}
