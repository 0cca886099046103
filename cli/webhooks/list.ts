import type { PresentedWebhook } from '../../core/webhooks/present-webhook.ts';
import { apiAddress } from '../api/address.ts';
import { DrayageApi } from '../api/client.ts';
import type { ApiFlags } from '../shared/api-command.ts';
import { proseWidth } from '../terminal/wrap.ts';
import { describeSteps, describeWebhook, masked } from './describe.ts';
import { findWebhook, hasSecrets, noWebhooks } from './find.ts';

/** The options of `drayage webhooks list`. */
export interface ListFlags extends ApiFlags {
  secrets?: boolean;
}

/**
 * `drayage webhooks list`: every webhook as a block, or one with its steps.
 *
 * @param name absent: all of them
 */
export async function runList(name: string | undefined, flags: ListFlags): Promise<void> {
  const all = await new DrayageApi(apiAddress(flags)).webhooks();
  const shown = name === undefined ? all : [findWebhook(all, name)];
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(name === undefined ? { webhooks: shown } : shown[0])}\n`);
    return;
  }
  const width = proseWidth(process.stdout);
  const blocks = shown.map((webhook) => {
    const safe = flags.secrets ? webhook : masked(webhook);
    const steps = name === undefined ? [] : ['', ...describeSteps(safe, width)];
    return [...describeWebhook(safe, Date.now(), width), ...steps].join('\n');
  });
  if (shown.length > 0) process.stdout.write(`${blocks.join('\n\n')}\n`);
  const note = all.length === 0 ? noWebhooks : noteOnSecrets(shown, { wanted: flags.secrets === true });
  if (note !== undefined) process.stderr.write(`${note}\n`);
}

function noteOnSecrets(webhooks: PresentedWebhook[], { wanted }: { wanted: boolean }): string | undefined {
  if (!webhooks.every(hasSecrets))
    return wanted ? 'secrets are shown only to the operator’s token (DRAYAGE_TOKEN)' : undefined;
  return wanted ? undefined : 'secrets are shown as …; --secrets shows them';
}
