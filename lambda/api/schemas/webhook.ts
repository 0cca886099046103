import * as z from 'zod';
import type { PresentedWebhook } from '../../../core/webhooks/present-webhook.ts';
import { exactly, time } from './fields.ts';

export const webhook = exactly<PresentedWebhook>()(
  z
    .object({
      name: z.string(),
      registry: z.string().describe('The upstream whose pushes it reports.'),
      source: z.string().describe('What sends it, as mirror.yaml names it.'),
      title: z.string(),
      url: z
        .string()
        .describe(
          'Where it delivers. If that ends with a secret, callers that may only read get `…` instead.',
        ),
      secret: z.string().exactOptional().describe('For the operator only.'),
      authentication: z
        .object({
          kind: z.enum(['path-token', 'hmac', 'header', 'standard-webhooks', 'oidc', 'any']),
          header: z.string().exactOptional(),
          description: z.string(),
        })
        .describe('How a delivery proves where it comes from.'),
      where: z.string().describe('Where it is entered in the sender’s settings.'),
      steps: z.array(z.string()).describe('How it is entered: Markdown.'),
      documentation: z.string(),
      repositories: z.array(z.string()).describe('The patterns of the upstream’s rules.'),
      deletions: z
        .literal(true)
        .exactOptional()
        .describe('A rule follows deletions, so the sender must report them as well as pushes.'),
      options: z.record(z.string(), z.unknown()),
      deliveredAt: time.exactOptional(),
      acceptedAt: time.exactOptional(),
      refusedAt: time.exactOptional(),
      refusedFor: z.string().exactOptional(),
      rotatedAt: time.exactOptional(),
      retiredUntil: time.exactOptional().describe('Until when earlier secrets are accepted as well.'),
    })
    .meta({
      id: 'Webhook',
      description: 'A webhook of mirror.yaml: how to register it, and what has arrived.',
    }),
);

export const webhookList = z.object({ webhooks: z.array(webhook) }).meta({ id: 'WebhookList' });
