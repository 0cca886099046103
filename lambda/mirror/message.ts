import * as z from 'zod';
import type { JobMessage } from '../../core/jobs/record.ts';

const triggers = [
  'webhook',
  'reconcile',
  'request',
  'signature',
  'recheck',
  'redrive',
  'rollback',
  'pin',
] as const;

const messageSchema = z.object({
  job: z.string(),
  image: z.object({ registry: z.string(), repository: z.string(), reference: z.string() }),
  event: z.number().int(),
  trigger: z.enum(triggers),
  receivedAt: z.string(),
});

/**
 * Reads a message of the mirror queue.
 *
 * @throws Error for what is no message of ours: it ends in the dead-letter queue, where somebody looks at it.
 */
export function parseMessage(body: string): JobMessage {
  const parsed = messageSchema.safeParse(JSON.parse(body));
  if (parsed.success) return parsed.data;
  throw new Error(`the message is no mirror job: ${z.prettifyError(parsed.error)}`);
}
