import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import type { PresentedWebhook } from '../../../core/webhooks/present-webhook.ts';
import { RequestError } from '../../api/request-error.ts';
import { isAddressOf } from './address.ts';
import { basic } from './authorization.ts';
import { idSchema, pathOf, type UpstreamClient } from './client.ts';
import { ownersOf } from './places.ts';
import { type Registrar, unchanged } from './registrar.ts';

const hook = z.object({
  id: idSchema,
  active: z.boolean().optional(),
  config: z.record(z.string(), z.string()),
  events: z.array(z.string()).nullish(),
  created_at: z.string().optional(),
});
type Hook = z.output<typeof hook>;
const pageSize = 50;

/**
 * Hooks of Gitea and Forgejo, which share an API. Packages belong to owners, so the hook is the
 * organisation's or the user's own. Gitea neither shows nor changes a hook's secret (`editHook` of
 * 1.23 leaves it out), so a hook that is not proven to work is replaced. Deleting a hook also
 * deletes its pending deliveries: the old one is deleted a while after the new one is created.
 * https://docs.gitea.com/api/ (organization, user, repository: hooks)
 * https://github.com/go-gitea/gitea/blob/v1.23.8/routers/api/v1/utils/hook.go
 * https://codeberg.org/api/swagger
 *
 * @param graceMs how long both are there
 */
export function giteaRegistrar(graceMs: number): Registrar {
  return {
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
      const found = await findHooks(hooks, client, (url) => isAddressOf(webhook, url));
      const proven = found.find((each) => isProven(each, webhook));
      const outdated = found.filter((each) => each !== proven);
      if (proven !== undefined && outdated.length === 0) return unchanged;
      return {
        outcome: found.length === 0 ? 'created' : 'updated',
        async apply() {
          if (proven === undefined) {
            const added = await create(hooks, webhook, client);
            if (!added.events?.includes('package')) {
              // A hook that would never deliver is not kept beside another.
              if (found.length > 0) await client.write('DELETE', `${hooks}/${added.id}`);
              throw withoutPackages(place);
            }
            if (outdated.length > 0) await sleep(graceMs);
          }
          for (const { id } of outdated) await client.write('DELETE', `${hooks}/${id}`);
        },
      };
    },
  };
}

export const gitea = giteaRegistrar(5_000);

async function create(hooks: string, webhook: PresentedWebhook, client: UpstreamClient): Promise<Hook> {
  const { source, url, secret = '' } = webhook;
  return await client.send(
    'POST',
    hooks,
    {
      type: source,
      active: true,
      events: ['package'],
      config: { url, content_type: 'json', secret },
    },
    hook,
  );
}

/**
 * Whether deliveries show that a hook has the current secret: it was created after the last
 * rotation, and an authentic delivery arrived after that.
 */
function isProven({ config, events, active, created_at }: Hook, webhook: PresentedWebhook): boolean {
  const { url, rotatedAt, deliveredAt, refusedAt } = webhook;
  const isSame =
    active === true && config.url === url && config.content_type === 'json' && events?.includes('package');
  if (!isSame || created_at === undefined || deliveredAt === undefined) return false;
  const [created, delivered] = [Date.parse(created_at), Date.parse(deliveredAt)];
  const isAfter = (time: string | undefined, other: number) =>
    time !== undefined && !(Date.parse(time) < other);
  return delivered > created && !isAfter(rotatedAt, created) && !isAfter(refusedAt, delivered);
}

/** An owner's hooks are at a different path if the caller is the owner. */
async function hooksOf(place: string, client: UpstreamClient): Promise<string> {
  if (place.includes('/')) return `/api/v1/repos/${pathOf(place)}/hooks`;
  const { login } = await client.get('/api/v1/user', z.object({ login: z.string() }));
  return login.toLowerCase() === place.toLowerCase()
    ? '/api/v1/user/hooks'
    : `/api/v1/orgs/${pathOf(place)}/hooks`;
}

/**
 * By page numbers: links contain the server's own idea of its address, which is often wrong behind
 * a proxy.
 */
async function findHooks(
  hooks: string,
  client: UpstreamClient,
  isOurs: (url: string) => boolean,
): Promise<Hook[]> {
  let page = 1;
  const all = await client.pages(`${hooks}?limit=${pageSize}&page=1`, z.array(hook), (items) => {
    page += 1;
    const next = `${client.endpoint}${hooks}?limit=${pageSize}&page=${page}`;
    // A server may have a lower page limit: only an empty page marks the end.
    return { items, next: items.length === 0 ? undefined : next };
  });
  return all.filter(({ config: { url = '' } }) => isOurs(url));
}

/** Older versions drop events that their API does not know: such a hook never delivers anything. */
function withoutPackages(place: string): RequestError {
  return new RequestError(`the server left out the event “package” of the webhook at ${place}`, {
    remedy: 'enter it in the settings, with Package under Custom Events; or update the server and try again',
  });
}
