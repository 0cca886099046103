import type { Config } from '../config/config.ts';
import type { Shape } from './estimate.ts';

/** One region, public upstreams, nothing optional. */
export const smallestShape: Shape = {
  regions: 1,
  ownSecrets: 0,
  retention: false,
  notify: false,
  alarms: 0,
};

/** What of a configuration costs money. */
export function shapeOf({ mirror, upstreams, notify = [], alarms }: Config): Shape {
  const secrets = [
    ...upstreams.flatMap(({ credentials }) =>
      credentials !== undefined && 'secret' in credentials ? [credentials.secret] : [],
    ),
    ...notify.map(({ secret }) => secret),
  ];
  return {
    regions: mirror.regions.length,
    ownSecrets: new Set(secrets).size,
    retention: upstreams.some(({ repositories }) =>
      repositories.some(({ retention }) => retention !== undefined),
    ),
    notify: notify.length > 0,
    // The age of the two queues' oldest messages.
    alarms: alarms === undefined ? 0 : 2,
  };
}
