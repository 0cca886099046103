import { randomUUID } from 'node:crypto';
import type { Digest } from '../../core/oci/digest.ts';
import { signDelivery } from '../../core/webhooks/authenticity/sign.ts';
import { findSource } from '../../core/webhooks/sources/index.ts';
import type { PlannedPlace } from './plan.ts';
import { registries } from './rules.ts';
import type { World } from './world.ts';

/** An image as webhooks tell of it. */
export interface ToldImage {
  tag: string;
  digest: Digest;
  mediaType: string;
}

/**
 * Delivers the webhook of a push or of a deletion, as its sender does. Senders differ in whether
 * they try again: these do not.
 *
 * @returns whether it was accepted
 */
export async function deliverWebhook(
  { webhooks }: Pick<World, 'webhooks'>,
  { upstream, repository }: PlannedPlace,
  { image, event }: { image: ToldImage; event: 'push' | 'deletion' },
): Promise<boolean> {
  const webhook = webhooks[upstream];
  const source = findSource(webhook?.source ?? '');
  if (webhook === undefined || source === undefined) throw new Error(`there is no webhook of ${upstream}`);
  const options = source.optionsSchema.parse({});
  const sample = source.sample({ registry: registries[upstream], repository, ...image }, options);
  const told = event === 'push' ? sample.body : { ...(sample.body as object), type: 'DELETE_ARTIFACT' };
  const body = Buffer.from(JSON.stringify(told));
  const proof = signDelivery(source.authentication(options), webhook.secret ?? '', {
    body,
    id: randomUUID(),
    now: new Date(),
  });
  const answer = await fetch(webhook.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...sample.headers, ...proof?.headers },
    body,
  });
  await answer.arrayBuffer();
  if (answer.status >= 400 && answer.status < 500)
    throw new Error(`the webhook of ${upstream} was answered ${answer.status}`);
  return answer.ok;
}

/** Whether an upstream tells of deletions: Harbor does. */
export function tellsDeletions({ upstream }: PlannedPlace): boolean {
  return upstream === 'harbor';
}
