import * as z from 'zod';
import { hookName, isAddressOf } from './address.ts';
import { bearer } from './authorization.ts';
import { configuredRepository } from './places.ts';
import type { Registrar } from './registrar.ts';

/** The place that stands for all local repositories. */
const anyLocal = '*';

const subscription = z.object({
  key: z.string(),
  event_filter: z.object({ criteria: z.object({ repoKeys: z.array(z.string()).nullish() }).nullish() }),
  handlers: z.array(z.object({ url: z.string().optional() })),
});

/**
 * Webhooks of the JFrog Platform, for all local Docker repositories or for named ones. The API does
 * not show a webhook's secret: an existing one is always rewritten.
 * https://jfrog.com/help/r/jfrog-rest-apis/webhooks
 */
export const artifactory: Registrar = {
  sources: ['artifactory'],
  placeForm: 'a local repository’s key; * are all local ones',
  permission: 'the token must be an access token of an administrator, or of a project’s administrator',
  endpoint: (registry) => `https://${registry}`,
  authorize: bearer,
  places: async (webhook) => [configuredRepository(webhook) ?? anyLocal],
  async plan(place, webhook, client) {
    const path = '/event/api/v1/subscriptions';
    const repoKeys = place === anyLocal ? [] : [place];
    const all = await client.get(path, z.array(subscription));
    const found = all.find(
      ({ event_filter, handlers }) =>
        handlers.some(({ url = '' }) => isAddressOf(webhook, url)) &&
        (event_filter.criteria?.repoKeys ?? []).join() === repoKeys.join(),
    );
    const key = found?.key ?? (place === anyLocal ? hookName(webhook) : `${hookName(webhook)}-${place}`);
    const wanted = {
      key,
      description: `Tells Drayage what was pushed${webhook.deletions ? ' or deleted' : ''}`,
      enabled: true,
      event_filter: {
        domain: 'docker',
        event_types: webhook.deletions ? ['pushed', 'deleted'] : ['pushed'],
        criteria: { anyLocal: place === anyLocal, repoKeys, includePatterns: [], excludePatterns: [] },
      },
      handlers: [
        {
          handler_type: 'webhook',
          url: webhook.url,
          ...(webhook.secret !== undefined && {
            secret: webhook.secret,
            // Else the header holds the secret itself.
            use_secret_for_signing: webhook.authentication.kind !== 'header',
          }),
        },
      ],
    };
    if (found === undefined) return { outcome: 'created', apply: () => client.write('POST', path, wanted) };
    return {
      outcome: 'updated',
      apply: () => client.write('PUT', `${path}/${encodeURIComponent(key)}`, wanted),
    };
  },
};
