import * as z from 'zod';
import { UsageError } from '../../shared/usage-error.ts';
import { hookName, isAddressOf } from './address.ts';
import { bearer } from './authorization.ts';
import { idSchema, pathOf } from './client.ts';
import { repositoriesOf } from './places.ts';
import type { Registrar } from './registrar.ts';

const notification = z.object({
  uuid: idSchema,
  event: z.string(),
  method: z.string(),
  config: z.object({ url: z.string().optional() }),
  number_of_failures: z.number().optional(),
});
const notifications = z.object({ notifications: z.array(notification) });
const repositories = z.object({
  repositories: z.array(z.object({ name: z.string() })),
  next_page: z.string().nullish(),
});

/** Quay disables a notification that has failed this often in a row. */
const failuresUntilDisabled = 3;

/**
 * Notifications of a repository. They can't be changed: one with an older token is deleted after
 * the new one is created, so that no push falls between the two.
 * https://docs.redhat.com/en/documentation/red_hat_quay/3/html/red_hat_quay_api_reference/repositorynotification
 */
export const quay: Registrar = {
  sources: ['quay'],
  placeForm: 'NAMESPACE/REPOSITORY',
  permission:
    'the token must be an OAuth token of an application of the organisation, with Administer Repositories (repo:admin); a robot’s password will not do',
  endpoint: (registry) => `https://${registry}`,
  authorize: bearer,
  places: (webhook, client) =>
    repositoriesOf(webhook, (namespace) => {
      const path = `/api/v1/repository?namespace=${encodeURIComponent(namespace)}`;
      return client.pages(path, repositories, ({ repositories: found, next_page }) => ({
        items: found.map(({ name }) => `${namespace}/${name}`),
        next: next_page && `${client.endpoint}${path}&next_page=${encodeURIComponent(next_page)}`,
      }));
    }),
  async plan(place, webhook, client) {
    if (!place.includes('/'))
      throw new UsageError(`${place} is not a Quay repository: write NAMESPACE/REPOSITORY`);
    const path = `/api/v1/repository/${pathOf(place)}/notification/`;
    const { notifications: all } = await client.get(path, notifications);
    const ours = all.filter(
      ({ event, method, config: { url } }) =>
        event === 'repo_push' && method === 'webhook' && isAddressOf(webhook, url ?? ''),
    );
    const current = ours.find(({ config: { url } }) => url === webhook.url);
    const outdated = ours.filter((each) => each !== current);
    const isDisabled = (current?.number_of_failures ?? 0) >= failuresUntilDisabled;
    const isCurrent = current !== undefined && outdated.length === 0 && !isDisabled;
    return {
      outcome: ours.length === 0 ? 'created' : isCurrent ? 'unchanged' : 'updated',
      async apply() {
        if (current === undefined)
          await client.write('POST', path, {
            event: 'repo_push',
            method: 'webhook',
            config: { url: webhook.url },
            eventConfig: {},
            title: hookName(webhook),
          });
        // Resets its failure count.
        else if (isDisabled) await client.write('POST', `${path}${current.uuid}`);
        for (const { uuid } of outdated) await client.write('DELETE', `${path}${uuid}`);
      },
    };
  },
};
