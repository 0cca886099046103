import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';

/** The function's log: JSON lines. Names and levels come from the POWERTOOLS_ variables. */
export const logger = new Logger();
/** The function's metrics: CloudWatch embedded metric format. */
export const metrics = new Metrics({ defaultDimensions: {} });

/** The metric that counts jobs or layers that ended in a state: `JobsCommitted`, `LayersHeld`. */
export function stateMetric(what: 'Jobs' | 'Layers', state: string): string {
  return `${what}${state.charAt(0).toUpperCase()}${state.slice(1)}`;
}
