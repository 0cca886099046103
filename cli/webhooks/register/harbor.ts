import * as z from 'zod';
import { hookName, isAddressOf } from './address.ts';
import { basic } from './authorization.ts';
import { idSchema, pathOf } from './client.ts';
import { ownersOf } from './places.ts';
import { type Registrar, unchanged } from './registrar.ts';

const target = z.looseObject({
  type: z.string().optional(),
  address: z.string().optional(),
  auth_header: z.string().optional(),
});
const policy = z.object({
  id: idSchema,
  name: z.string().optional(),
  enabled: z.boolean().optional(),
  event_types: z.array(z.string()).nullish(),
  targets: z.array(target).nullish(),
});

/**
 * Webhook policies of a project. The value of `auth_header` is sent as the header Authorization.
 * https://goharbor.io/docs/latest/working-with-projects/project-configuration/configure-webhooks/
 * https://github.com/goharbor/harbor/blob/main/api/v2.0/swagger.yaml
 */
export const harbor: Registrar = {
  sources: ['harbor'],
  placeForm: 'a project',
  permission:
    'the user must administer the project; a robot account needs the permissions List, Create and Update of Notification Policy',
  endpoint: (registry) => `https://${registry}`,
  // Otherwise a project named 12 would be taken for the one with the id 12.
  authorize: async (credentials) => ({ ...(await basic(credentials)), 'x-is-resource-name': 'true' }),
  places: async (webhook) => ownersOf(webhook),
  async plan(place, webhook, client) {
    const policies = `/api/v2.0/projects/${pathOf(place)}/webhook/policies`;
    const wanted = {
      type: 'http',
      address: webhook.url,
      ...(webhook.secret !== undefined && { auth_header: webhook.secret }),
    };
    const isOurs = ({ address = '' }: z.output<typeof target>) => isAddressOf(webhook, address);
    const found = (await client.list(`${policies}?page=1&page_size=100`, policy)).find(({ targets }) =>
      targets?.some(isOurs),
    );
    const types = ['PUSH_ARTIFACT', ...(webhook.deletions ? ['DELETE_ARTIFACT'] : [])];
    const rule = { enabled: true, event_types: types };
    if (found === undefined) {
      const targets = [{ skip_cert_verify: false, payload_format: 'Default', ...wanted }];
      return {
        outcome: 'created',
        apply: () => client.write('POST', policies, { name: hookName(webhook), ...rule, targets }),
      };
    }
    const { id, name = hookName(webhook), enabled, event_types, targets } = found;
    const all = targets ?? [];
    const current = all.find(isOurs);
    const hasAll = types.every((type) => event_types?.includes(type));
    if (enabled && hasAll && current && isSame(current, wanted)) return unchanged;
    // The format and certificate checks are the project's choice: both formats are understood.
    const { auth_header: _, ...kept } = current ?? {};
    const change = all.map((each) => (each === current ? { ...kept, ...wanted } : each));
    return {
      outcome: 'updated',
      apply: () =>
        client.write('PUT', `${policies}/${id}`, { id: Number(id), name, ...rule, targets: change }),
    };
  },
};

/** Whether it has the right address and the right header. */
function isSame(found: z.output<typeof target>, wanted: z.output<typeof target>): boolean {
  const same = (key: 'type' | 'address' | 'auth_header') => (found[key] ?? '') === (wanted[key] ?? '');
  return same('type') && same('address') && same('auth_header');
}
