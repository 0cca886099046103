import * as z from 'zod';
import type { DeliveredEvent } from '../../core/notify/deliver.ts';

/** What a rule on the event bus puts into the queue (`lib/notifications.ts`). */
export interface NotifyMessage {
  endpoint: string;
  event: DeliveredEvent;
}

const messageSchema = z.object({
  endpoint: z.string(),
  // It is signed together with what follows a full stop, so it must not contain any.
  event: z.looseObject({ id: z.string().regex(/^[\w-]{1,200}$/) }),
});

/**
 * Reads a message of the notify queue.
 *
 * @throws Error if it is not one of our messages: it ends up in the dead-letter queue, where
 *   somebody looks at it.
 */
export function parseNotifyMessage(body: string): NotifyMessage {
  const parsed = messageSchema.safeParse(JSON.parse(body));
  if (parsed.success) return parsed.data;
  throw new Error(`the message is not an event for an endpoint: ${z.prettifyError(parsed.error)}`);
}
