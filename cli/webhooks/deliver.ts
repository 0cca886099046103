import * as z from 'zod';
import type { PresentedWebhook } from '../../core/webhooks/present-webhook.ts';
import { exchange } from '../api/exchange.ts';
import { readJson, refusal } from '../api/read-answer.ts';

const answer = z.object({
  accepted: z.array(z.object({ image: z.string(), job: z.string() })),
  ignored: z.array(z.object({ image: z.string().optional(), reason: z.string() })),
});

const remedies: Readonly<Record<number, string>> = {
  401: 'the secret may have been rotated just now: try again in some minutes',
  404: 'the secret may have been rotated just now, or the deployment has a different configuration from its API: try again in some minutes',
  503: 'the deployment could not queue it: try again',
};

/**
 * Sends a delivery as the webhook's sender does.
 *
 * @throws RequestError for any answer but 202; it holds no token
 */
export async function deliver(
  { url, secret, authentication }: PresentedWebhook,
  headers: Record<string, string>,
  body: Uint8Array,
): Promise<z.output<typeof answer>> {
  const token = authentication.kind === 'path-token' ? url.slice(url.lastIndexOf('/') + 1) : undefined;
  const request = {
    method: 'POST' as const,
    url: new URL(url),
    headers: { ...headers, 'content-type': 'application/json' },
    body,
    secrets: [secret, token].filter((each) => each !== undefined),
  };
  const got = await exchange(request);
  if (got.status === 202) return readJson(request, got, answer);
  const error = refusal(request, got);
  const remedy = remedies[got.status];
  throw remedy === undefined ? error : error.withRemedy(remedy);
}
