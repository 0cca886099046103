import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';

/** The function's log: JSON lines. Names and levels come from the POWERTOOLS_ variables. */
export const logger = new Logger();
/** The function's metrics: CloudWatch embedded metric format. */
export const metrics = new Metrics({ defaultDimensions: {} });
