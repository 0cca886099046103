import { apiAddress } from '../api/address.ts';
import { DrayageApi } from '../api/client.ts';
import type { ApiFlags } from '../shared/api-command.ts';
import { plainLines } from './print.ts';
import { readTop } from './read.ts';
import { watchTop } from './watch.ts';

/** The options of `drayage top`. */
export interface TopFlags extends ApiFlags {
  /** Seconds. */
  interval: number;
  once: boolean;
}

/** `drayage top` */
export async function runTop(flags: TopFlags): Promise<void> {
  const address = apiAddress(flags);
  const isLive = process.stdout.isTTY && process.env.TERM !== 'dumb';
  if (isLive && !flags.once && !flags.json) {
    await watchTop(address, flags.interval * 1_000);
    return;
  }
  const reading = await readTop(new DrayageApi(address));
  const at = new Date().toISOString();
  if (flags.json) process.stdout.write(`${JSON.stringify({ at, ...reading })}\n`);
  else process.stdout.write(`${plainLines(address.api, reading).join('\n')}\n`);
}
