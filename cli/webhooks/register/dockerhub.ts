import * as z from 'zod';
import { UsageError } from '../../shared/usage-error.ts';
import { hookName, isAddressOf } from './address.ts';
import { bearer, requireUser } from './authorization.ts';
import { idSchema, pathOf } from './client.ts';
import { repositoriesOf } from './places.ts';
import type { Registrar } from './registrar.ts';

const hook = z.object({ slug: idSchema, webhooks: z.array(z.object({ hook_url: z.string() })) });
const repository = z.object({ name: z.string() });

/** A page of a list; `next` is the whole address of the next one. */
function pageOf<T>(item: z.ZodType<T>) {
  return z.object({ next: z.string().nullish(), results: z.array(item) });
}

/**
 * Webhooks of a repository. Login and repositories are documented; `webhook_pipeline`, which the
 * site itself uses for webhooks, is not. It has no update: an outdated webhook is deleted before
 * the new one is created, since names must be unique and plans limit the number of webhooks. The
 * next run repairs a failure between the two. https://docs.docker.com/reference/api/hub/latest/
 */
export const dockerhub: Registrar = {
  sources: ['dockerhub'],
  placeForm: 'NAMESPACE/REPOSITORY',
  permission:
    'an access token needs Read, Write, Delete, and its user must administer the repository; official images (library/…) have webhooks for their maintainers alone',
  endpoint: (registry) => (registry === 'docker.io' ? 'https://hub.docker.com' : undefined),
  async authorize({ user, token }, client) {
    const login = { identifier: requireUser(user), secret: token };
    const answer = await client.send(
      'POST',
      '/v2/auth/token',
      login,
      z.object({ access_token: z.string().min(1) }),
    );
    return bearer({ token: answer.access_token });
  },
  places: (webhook, client) =>
    repositoriesOf(webhook, (namespace) =>
      client.pages(
        `/v2/namespaces/${pathOf(namespace)}/repositories?page_size=100`,
        pageOf(repository),
        ({ results, next }) => ({ items: results.map(({ name }) => `${namespace}/${name}`), next }),
      ),
    ),
  async plan(place, webhook, client) {
    if (!/^[^/]+\/[^/]+$/.test(place))
      throw new UsageError(`${place} is not a Docker Hub repository: write NAMESPACE/REPOSITORY`);
    const hooks = `/v2/repositories/${pathOf(place)}/webhook_pipeline/`;
    const all = await client.pages(`${hooks}?page_size=100`, pageOf(hook), ({ results, next }) => ({
      items: results,
      next,
    }));
    const ours = all.filter(({ webhooks }) =>
      webhooks.some(({ hook_url }) => isAddressOf(webhook, hook_url)),
    );
    const current = ours.find(({ webhooks }) => webhooks.every(({ hook_url }) => hook_url === webhook.url));
    const outdated = ours.filter((each) => each !== current);
    const name = hookName(webhook);
    return {
      outcome: ours.length === 0 ? 'created' : outdated.length === 0 ? 'unchanged' : 'updated',
      async apply() {
        for (const { slug } of outdated) await client.write('DELETE', `${hooks}${slug}/`);
        if (current !== undefined) return;
        await client.write('POST', hooks, {
          name,
          expect_final_callback: false,
          webhooks: [{ name, hook_url: webhook.url }],
        });
      },
    };
  },
};
