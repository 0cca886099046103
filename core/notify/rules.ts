import type { Config } from '../config/config.ts';
import { busSource, detailTypes } from './event-schema.ts';
import { eventSource } from './events.ts';

/** Which events go to an endpoint of `notify`: what its rule on the event bus matches. */
export interface NotifyRule {
  /** The endpoint's name. */
  endpoint: string;
  /** Each field of an event must have one of these values. */
  pattern: { source: string[]; detailType: string[]; detail: { source: string[] } };
}

/** The rules of a configuration, one for each endpoint. */
export function notifyRules(config: Config): NotifyRule[] {
  return (config.notify ?? []).map(({ name, events }) => ({
    endpoint: name,
    pattern: {
      source: [busSource],
      detailType: events.map((event) => detailTypes[event]),
      // The bus may also carry the events of another deployment.
      detail: { source: [eventSource(config)] },
    },
  }));
}
