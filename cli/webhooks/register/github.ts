import * as z from 'zod';
import { isAddressOf } from './address.ts';
import { bearer } from './authorization.ts';
import { idSchema, pathOf } from './client.ts';
import { ownersOf } from './places.ts';
import type { Registrar } from './registrar.ts';

const hook = z.object({ id: idSchema, config: z.object({ url: z.string().nullish() }) });

/**
 * Hooks of an organisation or a repository. GitHub does not show a hook's secret (it returns
 * `********`), so an existing one is always rewritten. https://docs.github.com/rest/orgs/webhooks
 * https://docs.github.com/rest/repos/webhooks
 * https://docs.github.com/rest/about-the-rest-api/api-versions
 */
export const github: Registrar = {
  sources: ['github'],
  placeForm: 'an organisation, or OWNER/REPOSITORY',
  permission:
    'a classic token needs admin:org_hook for an organisation (whose owner you must be) or admin:repo_hook for a repository, a fine-grained one the permission Webhooks: read and write; GitHub says 404 for what a token may not see. Packages of a personal account: --at OWNER/REPOSITORY of the repository that they belong to',
  endpoint: (registry) => (registry === 'ghcr.io' ? 'https://api.github.com' : undefined),
  async authorize(credentials) {
    return {
      ...(await bearer(credentials)),
      accept: 'application/vnd.github+json',
      'x-github-api-version': '2022-11-28',
    };
  },
  places: async (webhook) => ownersOf(webhook),
  async plan(place, webhook, client) {
    const hooks = `/${place.includes('/') ? 'repos' : 'orgs'}/${pathOf(place)}/hooks`;
    const config = { url: webhook.url, content_type: 'json', secret: webhook.secret, insecure_ssl: '0' };
    const wanted = { config, events: ['package'], active: true };
    const found = (await client.list(`${hooks}?per_page=100`, hook)).find(({ config: { url } }) =>
      isAddressOf(webhook, url ?? ''),
    );
    if (found === undefined)
      return { outcome: 'created', apply: () => client.write('POST', hooks, { name: 'web', ...wanted }) };
    return { outcome: 'updated', apply: () => client.write('PATCH', `${hooks}/${found.id}`, wanted) };
  },
};
