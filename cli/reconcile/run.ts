import { apiAddress } from '../api/address.ts';
import { DrayageApi } from '../api/client.ts';
import type { ApiFlags } from '../shared/api-command.ts';

/** `drayage reconcile` */
export async function runReconcile(repository: string | undefined, flags: ApiFlags): Promise<void> {
  const requested = await new DrayageApi(apiAddress(flags)).reconcile(repository);
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ requested })}\n`);
    return;
  }
  for (const { registry, repository: name } of requested)
    process.stdout.write(`${name === undefined ? registry : `${registry}/${name}`}  will be compared\n`);
  process.stderr.write('it begins within a minute: drayage jobs --watch\n');
}
