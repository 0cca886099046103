import * as z from 'zod';
import { type JobMessage, jobTriggers } from '../../core/jobs/record.ts';
import { type Digest, isDigest } from '../../core/oci/digest.ts';

const digest = z.custom<Digest>((value) => typeof value === 'string' && isDigest(value), 'not a digest');

const messageSchema = z.object({
  job: z.string(),
  image: z.object({ registry: z.string(), repository: z.string(), reference: z.string() }),
  event: z.number().int(),
  trigger: z.enum(jobTriggers),
  receivedAt: z.string(),
  change: z
    .discriminatedUnion('kind', [
      z.object({ kind: z.literal('rollback'), digest }),
      z.object({ kind: z.literal('pin') }),
      z.object({ kind: z.literal('unpin') }),
    ])
    .optional(),
  apart: z.literal(true).optional(),
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
