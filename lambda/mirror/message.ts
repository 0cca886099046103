import * as z from 'zod';
import { type JobMessage, jobTriggers } from '../../core/jobs/record.ts';

const messageSchema = z.object({
  job: z.string(),
  image: z.object({ registry: z.string(), repository: z.string(), reference: z.string() }),
  event: z.number().int(),
  trigger: z.enum(jobTriggers),
  receivedAt: z.string(),
});

/**
 * Reads a message of the mirror queue.
 *
 * @throws Error if it is not one of our messages: it ends up in the dead-letter queue, where
 *   somebody looks at it.
 */
export function parseMessage(body: string): JobMessage {
  const parsed = messageSchema.safeParse(JSON.parse(body));
  if (parsed.success) return parsed.data;
  throw new Error(`the message is not a mirror job: ${z.prettifyError(parsed.error)}`);
}
