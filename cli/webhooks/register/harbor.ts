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
  skip_cert_verify: z.boolean().optional(),
  payload_format: z.string().optional(),
});
const policy = z.object({
  id: idSchema,
  name: z.string().optional(),
  enabled: z.boolean().optional(),
  event_types: z.array(z.string()).nullish(),
  targets: z.array(target).nullish(),
});

/**
 * Webhook policies of a project. What `auth_header` holds is sent as the header Authorization.
 * https://goharbor.io/docs/latest/working-with-projects/project-configuration/configure-webhooks/
 * https://github.com/goharbor/harbor/blob/main/api/v2.0/swagger.yaml
 */
export const harbor: Registrar = {
  sources: ['harbor'],
  placeForm: 'a project',
  permission:
    'the user must administer the project; a robot account needs the permissions List, Create and Update of Notification Policy',
  endpoint: (registry) => `https://${registry}`,
  // Else a project that is called 12 would be the one with the id 12.
  authorize: async (credentials) => ({ ...(await basic(credentials)), 'x-is-resource-name': 'true' }),
  places: async (webhook) => ownersOf(webhook),
  async plan(place, webhook, client) {
    const policies = `/api/v2.0/projects/${pathOf(place)}/webhook/policies`;
    const wanted = {
      type: 'http',
      address: webhook.url,
      ...(webhook.secret !== undefined && { auth_header: webhook.secret }),
      skip_cert_verify: false,
      payload_format: 'Default',
    };
    const isOurs = ({ address = '' }: z.output<typeof target>) => isAddressOf(webhook, address);
    const all = await client.list(`${policies}?page=1&page_size=100`, policy);
    const found = all.find(({ targets }) => targets?.some(isOurs));
    const rule = { enabled: true, event_types: ['PUSH_ARTIFACT'] };
    if (found === undefined)
      return {
        outcome: 'created',
        apply: () => client.write('POST', policies, { name: hookName(webhook), ...rule, targets: [wanted] }),
      };
    const { id, name = hookName(webhook), enabled, event_types, targets } = found;
    const others = (targets ?? []).filter((each) => !isOurs(each));
    const ours = (targets ?? []).filter(isOurs);
    if (enabled && event_types?.includes('PUSH_ARTIFACT') && ours.length === 1 && isSame(ours[0], wanted))
      return unchanged;
    return {
      outcome: 'updated',
      apply: () =>
        client.write('PUT', `${policies}/${id}`, {
          id: Number(id),
          name,
          ...rule,
          targets: [...others, wanted],
        }),
    };
  },
};

/** What Harbor adds of its own, and a payload format that versions before 2.8 don't know, makes no difference. */
function isSame(found: Record<string, unknown> | undefined, wanted: Record<string, unknown>): boolean {
  const shown: Record<string, unknown> = { payload_format: 'Default', skip_cert_verify: false, ...found };
  return Object.keys({ ...wanted, auth_header: '' }).every(
    (key) => (shown[key] || '') === (wanted[key] || ''),
  );
}
