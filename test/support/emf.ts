import { metricDefinitions } from '../../core/telemetry/metrics.ts';

/** What CloudWatch makes of one metric of a log line in the embedded metric format. */
export interface EmittedMetric {
  name: string;
  /** With `service`. */
  dimensions: Record<string, string>;
  values: number[];
}

interface EmfLine extends Record<string, unknown> {
  _aws: {
    CloudWatchMetrics: {
      Namespace: string;
      Dimensions: string[][];
      Metrics: { Name: string; Unit: string }[];
    }[];
  };
}

/** CloudWatch drops lines with more metrics, or with more values of one. */
const most = 100;

/**
 * The metrics in a log, as CloudWatch reads it. A line that CloudWatch would drop, or that says
 * something else than the list of metrics, is an error.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function emittedMetrics(log: string): EmittedMetric[] {
  const lines = log.split('\n').filter((line) => line.startsWith('{"_aws"'));
  return lines.flatMap((text) => {
    const line = JSON.parse(text) as EmfLine;
    return line._aws.CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) => {
      if (Namespace !== 'Drayage') throw new Error(`a metric of the namespace ${Namespace}`);
      if (Metrics.length > most) throw new Error(`${Metrics.length} metrics in one line`);
      return Metrics.flatMap(({ Name, Unit }) => {
        const values = [line[Name]].flat() as number[];
        if (values.length > most) throw new Error(`${values.length} values of ${Name} in one line`);
        return Dimensions.map((names) => {
          const dimensions = Object.fromEntries(names.map((name) => [name, String(line[name])]));
          requireListed(Name, Unit, dimensions);
          return { name: Name, dimensions, values };
        });
      });
    });
  });
}

function requireListed(name: string, unit: string, dimensions: Record<string, string>): void {
  const definition = Object.entries(metricDefinitions).find(([listed]) => listed === name)?.[1];
  if (definition === undefined) throw new Error(`${name} is not in the list of metrics`);
  const { service = '', ...own } = dimensions;
  if (!definition.from.some((from) => from === service)) throw new Error(`${service} emits ${name}`);
  if (definition.unit !== unit) throw new Error(`${name} has the unit ${unit}`);
  for (const by of Object.keys(own))
    if (by !== definition.by) throw new Error(`${name} has the dimension ${by}`);
}

/** The sum of a metric with exactly these dimensions; undefined if there is none. */
export function sumOf(
  metrics: readonly EmittedMetric[],
  name: string,
  dimensions: Record<string, string>,
): number | undefined {
  const wanted = JSON.stringify(Object.entries(dimensions).sort());
  const found = metrics.filter(
    (each) => each.name === name && JSON.stringify(Object.entries(each.dimensions).sort()) === wanted,
  );
  if (found.length === 0) return undefined;
  return found.flatMap(({ values }) => values).reduce((sum, value) => sum + value, 0);
}
