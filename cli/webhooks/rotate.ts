import { durationSeconds } from '../../core/config/duration.ts';
import { apiAddress } from '../api/address.ts';
import { DrayageApi } from '../api/client.ts';
import { RequestError } from '../api/request-error.ts';
import type { ApiFlags } from '../shared/api-command.ts';
import { UsageError } from '../shared/usage-error.ts';
import { proseWidth, wrapped } from '../terminal/wrap.ts';
import { describeSteps } from './describe.ts';
import { findWebhook, requireSecrets } from './find.ts';
import { findRegistrar } from './register/index.ts';

/** The options of `drayage webhooks rotate`. */
export interface RotateFlags extends ApiFlags {
  /** How long the previous secret stays valid, such as `24h`; absent: the API's default. */
  keep?: string;
}

/** The longest that the API accepts. */
const longestKeepSeconds = 7 * 86_400;

/** `drayage webhooks rotate`: makes a new secret, and says what to do with it. */
export async function runRotate(name: string, flags: RotateFlags): Promise<void> {
  const keep = keepSeconds(flags.keep);
  const api = new DrayageApi(apiAddress(flags));
  const webhook = await api.rotate(name, keep).catch(async (error: unknown) => {
    // Throws with the existing names.
    if (error instanceof RequestError && error.code === 'not_found') findWebhook(await api.webhooks(), name);
    throw error;
  });
  requireSecrets(webhook);
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(webhook)}\n`);
    return;
  }
  const width = proseWidth(process.stdout);
  const { url, secret, retiredUntil, source } = webhook;
  const old =
    retiredUntil === undefined
      ? // Warm functions use what they have read for that long.
        'the previous secret is accepted for at most another half minute'
      : `the previous secret is accepted until ${retiredUntil}`;
  const next =
    findRegistrar(source) === undefined
      ? ['Enter it at the sender:', ...describeSteps(webhook, width)]
      : [`Enter it at the sender: drayage webhooks register ${name}`];
  const shown = [
    ...wrapped('', `${name} has a new secret; ${old}.`, width),
    ...wrapped('  URL       ', url, width),
    ...(secret === undefined ? [] : wrapped('  secret    ', secret, width)),
  ];
  process.stdout.write(`${[...shown, ...next].join('\n')}\n`);
}

function keepSeconds(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = durationSeconds(text);
  if (seconds !== undefined && seconds <= longestKeepSeconds) return seconds;
  throw new UsageError(`--keep ${text}: write a whole number and a unit, from 0s to 7d, such as 24h`);
}
