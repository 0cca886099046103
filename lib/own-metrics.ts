import { Duration } from 'aws-cdk-lib';
import { MathExpression, Metric, type MetricProps } from 'aws-cdk-lib/aws-cloudwatch';
import {
  type MetricEmitter,
  type MetricName,
  metricDefinitions,
  metricNamespace,
} from '../core/telemetry/metrics.ts';

/** Which of a metric's values are meant. */
export interface OwnMetricProps extends Pick<MetricProps, 'label' | 'statistic' | 'period'> {
  /**
   * Who emits it.
   *
   * @default - the only function that does
   */
  readonly service?: MetricEmitter;
  /**
   * The value of the metric's own dimension.
   *
   * @default - the total
   */
  readonly of?: string;
}

/** How long a point of a graph or of an alarm is. */
export const fiveMinutes = Duration.minutes(5);

/**
 * A metric that the functions emit.
 *
 * @throws Error if it has no such emitter or dimension: CloudWatch would show an empty graph
 */
export function ownMetric(name: MetricName, { service, of, ...props }: OwnMetricProps = {}): Metric {
  const { by, from, kind } = metricDefinitions[name];
  const [first, ...others] = from;
  const emitter = service ?? (others.length === 0 ? first : undefined);
  if (emitter === undefined || !from.includes(emitter)) throw new Error(`${name}: name one of ${from}`);
  if (of !== undefined && by === undefined) throw new Error(`${name} has no dimension of its own`);
  return new Metric({
    namespace: metricNamespace,
    metricName: name,
    dimensionsMap: { service: emitter, ...(by !== undefined && of !== undefined && { [by]: of }) },
    statistic: kind === 'sum' ? 'Sum' : 'Maximum',
    period: fiveMinutes,
    // Without one, graphs show the name; and alarms with one are rendered as metric math.
    ...(of !== undefined && { label: of }),
    ...props,
  });
}

/**
 * A metric by all values of its own dimension that exist: a line for each. Alarms can't use it.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html
 */
export function ownMetricByAll(name: MetricName): MathExpression {
  const { by, kind } = metricDefinitions[name];
  if (by === undefined) throw new Error(`${name} has no dimension of its own`);
  const statistic = kind === 'sum' ? 'Sum' : 'Maximum';
  return new MathExpression({
    expression: `SEARCH('{${metricNamespace},service,${by}} MetricName="${name}"', '${statistic}', ${fiveMinutes.toSeconds()})`,
    usingMetrics: {},
    label: '',
    period: fiveMinutes,
  });
}
