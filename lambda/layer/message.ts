import * as z from 'zod';
import type { LayerMessage } from '../../core/jobs/ports.ts';
import { isDigest } from '../../core/oci/digest.ts';

const blobSchema = z.object({
  mediaType: z.string(),
  digest: z.custom<LayerMessage['layer']['digest']>(
    (value) => typeof value === 'string' && isDigest(value),
    'it is not a digest',
  ),
  size: z.number().int().nonnegative(),
});

const messageSchema = z.object({
  job: z.string(),
  layer: blobSchema,
  layers: z.array(blobSchema).min(1),
  invocations: z.number().int().positive().optional(),
});

/**
 * Reads a message of the layer queue.
 *
 * @throws Error if it is not one of our messages: it ends up in the dead-letter queue, where
 *   somebody looks at it.
 */
export function parseLayerMessage(body: string): LayerMessage {
  const parsed = messageSchema.safeParse(JSON.parse(body));
  if (parsed.success) return parsed.data;
  throw new Error(`the message is not a layer job: ${z.prettifyError(parsed.error)}`);
}
