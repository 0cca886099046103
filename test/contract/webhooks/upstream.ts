import type { PresentedWebhook } from '../../../core/webhooks/present-webhook.ts';

/** The addresses of the webhooks of these tests. */
export const hooksOrigin = 'https://api.drayage.example';
export const secret = 'S3cret-of-the-webhook';
export const token = 't0ken-of-the-upstream';

/**
 * A webhook as the API presents it to the operator. Its secret is in a header, in a signature or in
 * the URL.
 */
export function presented(
  source: string,
  kind: PresentedWebhook['authentication']['kind'],
  more: Partial<PresentedWebhook> = {},
): PresentedWebhook {
  const name = source;
  const inPath = kind === 'path-token';
  return {
    name,
    registry: `${source}.example`,
    source,
    title: source,
    url: `${hooksOrigin}/webhooks/${name}${inPath ? `/${secret}` : ''}`,
    ...(!inPath && { secret }),
    authentication: { kind, description: kind },
    where: 'Settings',
    steps: ['Open the settings.'],
    documentation: 'https://docs.example/webhooks',
    repositories: ['acme/**'],
    options: {},
    ...more,
  };
}
