import * as z from 'zod';
import { RequestError } from '../../api/request-error.ts';
import { isAddressOf } from './address.ts';
import { basic } from './authorization.ts';
import { idSchema, pathOf, type UpstreamClient } from './client.ts';
import { ownersOf } from './places.ts';
import type { Registrar } from './registrar.ts';

const hook = z.object({
  id: idSchema,
  config: z.record(z.string(), z.string()),
  events: z.array(z.string()).nullish(),
});
const pageSize = 50;

/**
 * Hooks of Gitea and Forgejo, whose API is the same. Packages belong to owners, so that the hook is the organisation's, or the
 * user's own. The API does not tell a hook's secret: one that is there is always written again.
 * https://docs.gitea.com/api/ (organization, user, repository: hooks)
 * https://codeberg.org/api/swagger
 */
export const gitea: Registrar = {
  sources: ['gitea', 'forgejo'],
  placeForm: 'an organisation, your own user name, or OWNER/REPOSITORY',
  permission:
    'a token needs write:organization for an organisation (whose owner you must be), write:user for your own hooks, write:repository for a repository’s, and read:user besides; hooks of other users can’t be entered',
  endpoint: (registry) => `https://${registry}`,
  authorize: async ({ user, token }) =>
    user === undefined ? { authorization: `token ${token}` } : await basic({ user, token }),
  places: async (webhook) => ownersOf(webhook),
  async plan(place, webhook, client) {
    const hooks = await hooksOf(place, client);
    const wanted = {
      active: true,
      events: ['package'],
      config: { url: webhook.url, content_type: 'json', secret: webhook.secret ?? '' },
    };
    const found = await findHook(hooks, client, (url) => isAddressOf(webhook, url));
    const create = { type: webhook.source, ...wanted };
    return {
      outcome: found === undefined ? 'created' : 'updated',
      async apply() {
        const stored =
          found === undefined
            ? await client.send('POST', hooks, create, hook)
            : await client.send('PATCH', `${hooks}/${found.id}`, wanted, hook);
        if (!stored.events?.includes('package')) throw withoutPackages(place);
      },
    };
  },
};

/** An owner's hooks are at another path where the owner is who asks. */
async function hooksOf(place: string, client: UpstreamClient): Promise<string> {
  if (place.includes('/')) return `/api/v1/repos/${pathOf(place)}/hooks`;
  const { login } = await client.get('/api/v1/user', z.object({ login: z.string() }));
  return login.toLowerCase() === place.toLowerCase()
    ? '/api/v1/user/hooks'
    : `/api/v1/orgs/${pathOf(place)}/hooks`;
}

/** By page numbers: links carry the address that the server believes to have, which behind a proxy is often another. */
async function findHook(hooks: string, client: UpstreamClient, isOurs: (url: string) => boolean) {
  let page = 1;
  const all = await client.pages(`${hooks}?limit=${pageSize}&page=1`, z.array(hook), (items) => {
    page += 1;
    const next = `${client.endpoint}${hooks}?limit=${pageSize}&page=${page}`;
    // A server may have a lower limit of its own: only an empty page is the last.
    return { items, next: items.length === 0 ? undefined : next };
  });
  return all.find(({ config: { url = '' } }) => isOurs(url));
}

/** Older versions leave out events that their API does not know: the hook would never deliver anything. */
function withoutPackages(place: string): RequestError {
  return new RequestError(`the webhook is at ${place}, but the server left out its event “package”`, {
    remedy:
      'open the webhook in the settings, choose Custom Events and tick Package; or update the server and try again',
  });
}
