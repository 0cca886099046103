import * as z from 'zod';
import { UsageError } from '../../shared/usage-error.ts';
import { hookName, isAddressOf } from './address.ts';
import { basic } from './authorization.ts';
import { configuredRepository } from './places.ts';
import type { Registrar } from './registrar.ts';

const path = '/service/rest/v1/capabilities';
const type = 'webhook.repository';

const capability = z.object({
  id: z.string(),
  type: z.string(),
  properties: z.record(z.string(), z.unknown()).nullish(),
});

/**
 * The capability “Webhook: Repository” of a Nexus repository. The API does not show its secret: an
 * existing one is always rewritten. Only newer versions have capabilities in their REST API.
 * https://help.sonatype.com/en/webhooks.html
 * https://help.sonatype.com/en/rest-and-integration-api.html
 */
export const nexus: Registrar = {
  sources: ['nexus'],
  placeForm: 'the name of the repository in Nexus',
  permission:
    'the user needs the privileges nx-capabilities-read, -create and -update; versions without capabilities in their REST API answer 404: there, enter it by hand (drayage webhooks list NAME has the steps)',
  endpoint: (registry) => `https://${registry}`,
  authorize: basic,
  async places(webhook) {
    const repository = configuredRepository(webhook);
    if (repository !== undefined) return [repository];
    throw new UsageError(
      `${webhook.name}: image names don’t contain the name of the repository in Nexus: give it with --at`,
    );
  },
  async plan(place, webhook, client) {
    const all = await client.get(path, z.array(capability));
    const found = all.find(
      ({ type: kind, properties }) =>
        kind === type &&
        properties?.repository === place &&
        isAddressOf(webhook, String(properties.url ?? '')),
    );
    const wanted = {
      type,
      notes: hookName(webhook),
      enabled: true,
      properties: {
        repository: place,
        names: 'component',
        url: webhook.url,
        ...(webhook.secret !== undefined && { secret: webhook.secret }),
      },
    };
    if (found === undefined) return { outcome: 'created', apply: () => client.write('POST', path, wanted) };
    const { id } = found;
    // The API wants the id in the body, too.
    const change = { id, ...wanted };
    return {
      outcome: 'updated',
      apply: () => client.write('PUT', `${path}/${encodeURIComponent(id)}`, change),
    };
  },
};
