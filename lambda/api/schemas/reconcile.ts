import * as z from 'zod';
import type { ReconcileRequested } from '../reconcile.ts';
import { exactly } from './fields.ts';

export const reconcileRequested = exactly<ReconcileRequested>()(
  z
    .object({
      requested: z.array(
        z.object({
          registry: z.string(),
          repository: z.string().exactOptional().describe('Absent: all that the registry’s rules cover.'),
        }),
      ),
    })
    .meta({
      id: 'ReconcileRequested',
      description: 'What will be compared with the mirror.',
      examples: [{ requested: [{ registry: 'ghcr.io', repository: 'acme/shop' }] }],
    }),
);
