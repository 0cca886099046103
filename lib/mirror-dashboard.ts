import {
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type GraphWidgetProps,
  type IAlarm,
  type IMetric,
  type IWidget,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Config } from '../core/config/config.ts';
import type { MetricName } from '../core/telemetry/metrics.ts';
import { fiveMinutes, ownMetric, ownMetricByAll } from './own-metrics.ts';
import type { ServiceAlarmsProps, WatchedFunctions } from './service-alarms.ts';

/** Settings of {@link MirrorDashboard}. */
export interface MirrorDashboardProps {
  readonly config: Pick<Config, 'upstreams' | 'alarms'>;
  readonly functions: WatchedFunctions;
  readonly queue: IQueue;
  readonly layerQueue: IQueue;
  readonly api: Pick<ServiceAlarmsProps['api'], 'metricServerError'>;
  /** The alarms, whose states are in the first row. */
  readonly alarms: readonly IAlarm[];
}

const rowWidth = 24;
const rowHeight = 6;
const explanation = `**Is the mirror behind, and why?** The first row says whether it is: pushes that take long, messages and jobs that are old, jobs that failed.
The rows below say why: *upstreams* that are closed or throttle, *copying*, *webhooks and comparisons*, *functions*.
What each metric means, and what to do about each alarm: \`docs/operations.md\`.`;

/** A dashboard that answers whether the mirror is behind, and why. */
export class MirrorDashboard extends Construct {
  readonly dashboard: Dashboard;

  constructor(scope: Construct, id: string, props: MirrorDashboardProps) {
    super(scope, id);
    const { alarms } = props;
    this.dashboard = new Dashboard(this, 'Dashboard');
    this.dashboard.addWidgets(new TextWidget({ markdown: explanation, width: rowWidth, height: 3 }));
    // CloudWatch shows at most 100 alarms in a widget.
    if (alarms.length > 0)
      this.dashboard.addWidgets(
        new AlarmStatusWidget({
          title: 'Alarms',
          alarms: [...alarms].slice(0, 100),
          width: rowWidth,
          height: 3,
        }),
      );
    for (const row of [behind, upstreams, copying, arrivals, functionsRow])
      this.dashboard.addWidgets(...row(props));
  }
}

function behind({ config, queue, layerQueue }: MirrorDashboardProps): IWidget[] {
  const age = (of: IQueue, label: string) =>
    of.metricApproximateAgeOfOldestMessage({ period: fiveMinutes, statistic: 'Maximum', label });
  const lag = config.alarms && { value: config.alarms.lagSeconds, label: 'alarms.lag' };
  return row([
    {
      title: 'From push to mirrored (ms)',
      left: ['p50', 'p90', 'Maximum'].map((statistic) =>
        ownMetric('PushLag', { statistic, label: statistic }),
      ),
      ...(lag && { leftAnnotations: [{ ...lag, value: lag.value * 1_000 }] }),
    },
    {
      title: 'Age of the oldest message (s)',
      left: [age(queue, 'jobs'), age(layerQueue, 'large layers')],
      ...(lag && { leftAnnotations: [lag] }),
    },
    {
      title: 'Jobs that wait: the oldest (s), and how many',
      left: [ownMetric('OldestWaitingJob')],
      right: [ownMetric('OpenJobsWaiting')],
    },
    { title: 'Failed', left: totals('JobsFailed', 'JobsDead', 'LayersFailed') },
  ]);
}

function upstreams({ config }: MirrorDashboardProps): IWidget[] {
  const bySide = (name: 'Requests' | 'Throttles') =>
    (['upstream', 'mirror'] as const).flatMap((side) =>
      (['mirror', 'layer', 'reconcile'] as const).map((service) =>
        ownMetric(name, { service, of: side, label: `${side}, ${service} function` }),
      ),
    );
  return row([
    {
      title: 'Upstreams that are closed (1)',
      left: config.upstreams.map(({ registry }) => ownMetric('UpstreamClosed', { of: registry })),
    },
    { title: 'Requests to registries', left: bySide('Requests'), stacked: true },
    { title: 'Requests that were throttled', left: bySide('Throttles') },
    { title: 'Failures by code', left: [ownMetricByAll('JobsFailed'), ownMetricByAll('LayersFailed')] },
  ]);
}

function copying(_props: MirrorDashboardProps): IWidget[] {
  return row([
    { title: 'Bytes', left: totals('BytesCopied', 'BytesMounted', 'BytesPresent'), stacked: true },
    {
      title: 'Jobs by outcome',
      left: totals(
        'JobsCommitted',
        'JobsSatisfied',
        'JobsSuperseded',
        'JobsWaiting',
        'JobsFailed',
        'JobsCrashed',
      ),
    },
    {
      title: 'Unfinished jobs',
      left: totals('OpenJobsQueued', 'OpenJobsWaiting', 'OpenJobsCopying'),
      stacked: true,
    },
    {
      title: 'Large layers',
      left: totals('LayersCarried', 'LayersQueued', 'LayersWaiting', 'LayersFailed', 'LayersCrashed'),
    },
  ]);
}

function arrivals({ api, functions }: MirrorDashboardProps): IWidget[] {
  return row([
    {
      title: 'Webhooks: accepted, ignored, refused',
      left: (['WebhookAccepted', 'WebhookIgnored', 'WebhookRefused'] as const).map(ownMetricByAll),
    },
    {
      title: 'Answers that are our fault',
      left: [
        ownMetric('WebhookUnavailable'),
        api.metricServerError({ period: fiveMinutes, statistic: 'Sum', label: 'API 5xx' }),
      ],
    },
    {
      title: 'Comparisons with upstreams',
      left: totals('RepositoriesCompared', 'ReconcileJobs', 'ReconcileFailures'),
    },
    {
      title: functions.retention ? 'Removed mappings, deleted images' : 'Removed mappings',
      left: totals(
        'MappingsRemoved',
        'RegistryEventsFailed',
        ...(functions.retention ? (['ImagesDeleted', 'ImagesNotDeleted'] as const) : []),
      ),
    },
  ]);
}

function functionsRow({ functions }: MirrorDashboardProps): IWidget[] {
  const each = (metric: (made: IFunction, label: string) => IMetric) =>
    Object.entries(functions).map(([name, made]) => metric(made, name));
  const sum = (label: string) => ({ period: fiveMinutes, statistic: 'Sum', label });
  return row([
    { title: 'Invocations', left: each((made, label) => made.metricInvocations(sum(label))), stacked: true },
    { title: 'Errors', left: each((made, label) => made.metricErrors(sum(label))) },
    { title: 'Throttles', left: each((made, label) => made.metricThrottles(sum(label))) },
    {
      title: 'Duration, p99 (ms)',
      left: each((made, label) => made.metricDuration({ period: fiveMinutes, statistic: 'p99', label })),
    },
  ]);
}

/** Graphs of the same width. */
function row(graphs: GraphWidgetProps[]): IWidget[] {
  const width = rowWidth / graphs.length;
  return graphs.map((graph) => new GraphWidget({ width, height: rowHeight, ...graph }));
}

function totals(...names: MetricName[]): IMetric[] {
  return names.map((name) => ownMetric(name));
}
