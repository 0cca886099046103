import * as z from 'zod';
import { alarmsSchema, apiSchema, encryptionSchema, mirrorSchema } from './mirror-schema.ts';
import { networkSchema } from './network/schema.ts';
import { notifySchema } from './notify-schema.ts';
import { upstreamSchema } from './upstream-schema.ts';

/**
 * mirror.yaml as it is written, with defaults; rules across several fields are in `cross-field.ts`.
 */
export const fileSchema = z
  .strictObject({
    version: z.literal(1).meta({ what: 'the number 1', example: '1' }),
    mirror: mirrorSchema,
    api: apiSchema.prefault({}),
    alarms: alarmsSchema.optional(),
    notify: notifySchema.optional(),
    network: networkSchema.optional(),
    encryption: encryptionSchema.optional(),
    upstreams: z
      .array(upstreamSchema)
      .default([])
      .meta({ what: 'a list of upstreams', example: '[{ registry: docker.io }]' }),
  })
  .meta({ what: 'a mapping with version and mirror', example: '' });

/** A file that the schema accepts. */
export type ConfigFile = z.output<typeof fileSchema>;
