import type { BusEvent } from './event-schema.ts';
import type { Notifier } from './ports.ts';

/**
 * Sends an event if that is possible. What happened has happened, and is recorded elsewhere: a
 * failure to tell others must not undo or repeat it, so it is only reported. It never rejects.
 *
 * @param makeEvent may read what the event needs
 */
export async function announce(
  makeEvent: () => BusEvent | Promise<BusEvent>,
  { notifier, warn }: { notifier: Notifier; warn: (message: string, error: unknown) => void },
): Promise<void> {
  try {
    await notifier.notify(await makeEvent());
  } catch (error) {
    warn('an event could not be sent', error);
  }
}
