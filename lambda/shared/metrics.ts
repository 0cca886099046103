import { Metrics } from '@aws-lambda-powertools/metrics';
import type { MiddlewareObj } from '@middy/core';
import type { RequestInfo } from '../../core/registry/transport/transport.ts';
import { type MetricName, metricDefinitions, metricNamespace } from '../../core/telemetry/metrics.ts';
import { logger } from './telemetry.ts';

/** What has been measured of a metric and not yet been published. */
interface Measured {
  name: MetricName;
  /** The value of the metric's own dimension; absent: the total. */
  of?: string | undefined;
  /** One sum, or all values. */
  values: number[];
}

/**
 * The metrics of a function: what an invocation measures is published at its end, in CloudWatch's
 * embedded metric format.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 *
 * A metric with a dimension of its own is published twice: as the function's total, and by that
 * dimension. They are different metrics to CloudWatch, so nothing is counted twice in either.
 */
export class Meter {
  readonly #measured = new Map<string, Measured>();

  /**
   * Adds to a metric, or adds a value.
   *
   * @param of the value of the metric's own dimension, if it has one: one of a bounded set
   */
  record(name: MetricName, value = 1, of?: string): void {
    // CloudWatch takes nothing else, and a measurement must not fail what it measures.
    if (!Number.isFinite(value)) return;
    this.#add({ name, values: [value] });
    if (of !== undefined) this.#add({ name, of, values: [value] });
  }

  /** Writes what was measured since the last time. */
  publish(): void {
    const groups = Map.groupBy(this.#measured.values(), ({ name, of }) =>
      of === undefined ? '' : `${metricDefinitions[name].by}=${of}`,
    );
    this.#measured.clear();
    for (const group of groups.values()) write(group);
  }

  #add({ name, of, values }: Measured): void {
    const key = `${name}=${of ?? ''}`;
    const before = this.#measured.get(key);
    if (before === undefined) this.#measured.set(key, { name, of, values });
    else if (metricDefinitions[name].kind === 'value') before.values.push(...values);
    else before.values = [values.reduce((sum, value) => sum + value, before.values[0] ?? 0)];
  }
}

/** Metrics with the same dimensions, in as few entries as they fit into. */
function write(group: Measured[]): void {
  const [{ name, of }] = group as [Measured];
  const { by } = metricDefinitions[name];
  const metrics = new Metrics({
    namespace: metricNamespace,
    defaultDimensions: by !== undefined && of !== undefined ? { [by]: of } : {},
  });
  for (const { name: each, values } of group)
    for (const value of values) metrics.addMetric(each, metricDefinitions[each].unit, value);
  metrics.publishStoredMetrics();
}

/** The meter of this function. */
export const meter = new Meter();

/** Publishes the metrics when an invocation ends, however it ends. */
export function publishMetrics(): Required<Pick<MiddlewareObj, 'after' | 'onError'>> {
  const publish = () => {
    try {
      meter.publish();
    } catch (error) {
      // The work is done, and must not fail for its numbers.
      logger.warn('the metrics were not published', { error: error as Error });
    }
  };
  return { after: publish, onError: publish };
}

/** Counts a request to a registry, or a call of the ECR API. */
export function countRequest({ side, status }: Pick<RequestInfo, 'side' | 'status'>): void {
  meter.record('Requests', 1, side);
  if (status === 429) meter.record('Throttles', 1, side);
}

/** The metric that counts jobs or layers that ended in a state: `JobsCommitted`, `LayersHeld`. */
export function stateMetric<What extends 'Jobs' | 'Layers', State extends string>(
  what: What,
  state: State,
): `${What}${Capitalize<State>}` {
  return `${what}${state.charAt(0).toUpperCase()}${state.slice(1)}` as `${What}${Capitalize<State>}`;
}
