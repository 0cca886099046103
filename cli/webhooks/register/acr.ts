import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { PresentedWebhook } from '../../../core/webhooks/present-webhook.ts';
import { UsageError } from '../../shared/usage-error.ts';
import { bearer } from './authorization.ts';
import type { Registrar } from './registrar.ts';

const version = '?api-version=2023-07-01';
const resourceId =
  /^\/subscriptions\/[\w-]+\/resourceGroups\/[\w().-]+\/providers\/Microsoft\.ContainerRegistry\/registries\/[A-Za-z0-9]+$/i;

/**
 * Webhooks of an Azure Container Registry, through Azure's management API. The API does not show
 * where a webhook delivers or what it sends. So a webhook is recognised by its name, and an
 * existing one is always rewritten.
 * https://learn.microsoft.com/rest/api/containerregistry/webhooks/create
 */
export const acr: Registrar = {
  sources: ['acr'],
  placeForm:
    'the registry’s resource id, /subscriptions/…/resourceGroups/…/providers/Microsoft.ContainerRegistry/registries/NAME (az acr show --name NAME --query id)',
  permission:
    'the token must be one for Azure’s management API (az account get-access-token --query accessToken --output tsv), of an account that may write Microsoft.ContainerRegistry/registries/webhooks, as the role Contributor may',
  endpoint: () => 'https://management.azure.com',
  authorize: bearer,
  async places({ name }) {
    throw new UsageError(
      `${name}: give the registry’s resource id with --at (az acr show --name NAME --query id)`,
    );
  },
  async plan(place, webhook, client) {
    if (!resourceId.test(place))
      throw new UsageError(`${place} is not a registry’s resource id; --at takes ${this.placeForm}`);
    const { location } = await client.get(`${place}${version}`, z.object({ location: z.string() }));
    const path = `${place}/webhooks/${webhookName(webhook)}${version}`;
    const found = await client.find(path, z.looseObject({}));
    const { url, secret, authentication } = webhook;
    const { header } = authentication;
    const properties = {
      serviceUri: url,
      ...(header !== undefined && secret !== undefined && { customHeaders: { [header]: secret } }),
      actions: webhook.deletions ? ['push', 'delete'] : ['push'],
      status: 'enabled',
      scope: '',
    };
    return {
      outcome: found === undefined ? 'created' : 'updated',
      apply: () => client.write('PUT', path, { location, properties }),
    };
  },
};

/**
 * Letters and digits only, 5 to 50. If other characters are left out, a hash is added, so that no
 * two webhooks share a name.
 */
function webhookName({ name }: PresentedWebhook): string {
  const plain = name.replace(/[^A-Za-z0-9]/g, '').slice(0, 35);
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `drayage${plain}${plain === name ? '' : hash}`;
}
