import { createHmac, randomUUID } from 'node:crypto';
import type { Descriptor } from '../../core/oci/descriptor.ts';
import type { LocalWebhook } from '../../local/webhooks.ts';
import { ensure } from './facts.ts';

/** What the publisher pushed. */
export interface Push {
  registry: string;
  namespace: string;
  name: string;
  tag: string;
  manifest: Pick<Descriptor, 'mediaType' | 'digest'>;
}

/**
 * Sends what GitHub sends after a push to its container registry, signed as GitHub signs.
 * https://docs.github.com/webhooks/webhook-events-and-payloads#package
 * https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
 *
 * @returns the id of the job that the push caused
 */
export async function sendWebhook(webhook: LocalWebhook, push: Push, signal?: AbortSignal): Promise<string> {
  ensure(webhook.secret !== undefined, 'the webhook has no secret to sign with');
  const body = JSON.stringify(payload(push));
  const response = await fetch(webhook.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-github-event': 'package',
      'x-github-delivery': randomUUID(),
      'x-hub-signature-256': `sha256=${createHmac('sha256', webhook.secret).update(body).digest('hex')}`,
    },
    body,
    signal,
  });
  const text = await response.text();
  ensure(response.status === 202, `the webhook was answered ${response.status}: ${text}`);
  const answer = JSON.parse(text) as { accepted: { image: string; job: string }[] };
  const image = `${push.registry}/${push.namespace}/${push.name}:${push.tag}`;
  const job = answer.accepted.find((accepted) => accepted.image === image)?.job;
  ensure(job !== undefined, `the webhook was answered 202, but ${image} was not accepted: ${text}`);
  return job;
}

function payload({ namespace, name, tag, manifest }: Push): object {
  return {
    action: 'published',
    package: {
      name,
      namespace,
      owner: { login: namespace },
      package_type: 'CONTAINER',
      package_version: {
        name: manifest.digest,
        version: manifest.digest,
        container_metadata: {
          tag: { name: tag, digest: manifest.digest },
          manifest: { digest: manifest.digest, media_type: manifest.mediaType },
        },
      },
    },
  };
}
