import { EventBridgeNotifier } from '../../core/aws/eventbridge.ts';
import type { Notifier } from '../../core/notify/ports.ts';
import { meter } from './metrics.ts';

/** Sends events to the account's event bus; those that can't be sent are counted: `EventsLost`. */
export function openNotifier(): Notifier {
  const notifier = new EventBridgeNotifier();
  return {
    async notify(event) {
      try {
        await notifier.notify(event);
      } catch (error) {
        meter.record('EventsLost');
        throw error;
      }
    },
  };
}
