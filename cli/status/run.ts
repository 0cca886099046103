import { apiAddress } from '../api/address.ts';
import { DrayageApi } from '../api/client.ts';
import type { ApiFlags } from '../shared/api-command.ts';
import { describeStatus } from './describe.ts';

/** `drayage status` */
export async function runStatus(flags: ApiFlags): Promise<void> {
  const address = apiAddress(flags);
  const status = await new DrayageApi(address).status();
  if (flags.json) process.stdout.write(`${JSON.stringify(status)}\n`);
  else process.stdout.write(`${describeStatus(status, address.api, process.stdout).join('\n')}\n`);
}
