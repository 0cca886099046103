import { DrayageApi } from '../api/client.ts';
import { RequestError } from '../api/request-error.ts';
import { describeSteps } from './describe.ts';
import { findWebhook, requireSecrets } from './find.ts';
import { type ApiFlags, apiAddress } from './flags.ts';
import { findRegistrar } from './register/index.ts';

/** The options of `drayage webhooks rotate`. */
export interface RotateFlags extends ApiFlags {
  /** For how many seconds the secret until now is still taken; absent: as long as the API does by itself. */
  keep?: number;
}

/** `drayage webhooks rotate`: a new secret, and what is to be done with it. */
export async function runRotate(name: string, flags: RotateFlags): Promise<void> {
  const api = new DrayageApi(apiAddress(flags));
  const webhook = await api.rotate(name, flags.keep).catch(async (error: unknown) => {
    // Says which names there are.
    if (error instanceof RequestError && error.code === 'not_found') findWebhook(await api.webhooks(), name);
    throw error;
  });
  requireSecrets(webhook);
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(webhook)}\n`);
    return;
  }
  const { url, secret, retiredUntil, source } = webhook;
  const old =
    retiredUntil === undefined
      ? 'the secret until now is no longer taken'
      : `the secret until now is taken until ${retiredUntil}`;
  const next =
    findRegistrar(source) === undefined
      ? ['Enter it at the sender:', ...describeSteps(webhook)]
      : [`Enter it at the sender: drayage webhooks register ${name}`];
  const shown = [`  URL       ${url}`, ...(secret === undefined ? [] : [`  secret    ${secret}`])];
  process.stdout.write(`${[`${name} has a new secret; ${old}.`, ...shown, ...next].join('\n')}\n`);
}
