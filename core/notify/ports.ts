import type { BusEvent } from './event-schema.ts';

/** Tells others what happened: to the account's event bus. */
export interface Notifier {
  /**
   * Sends an event. It may arrive more than once, always with the same `id`.
   *
   * @throws NotifyError if it could not be sent within some seconds.
   */
  notify(event: BusEvent): Promise<void>;
}
