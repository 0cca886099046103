import { Duration } from 'aws-cdk-lib';
import type { IHttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import {
  Alarm,
  type AlarmProps,
  ComparisonOperator,
  type IMetric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { fiveMinutes, ownMetric } from './own-metrics.ts';
import type { FunctionName } from './service-function.ts';

/** The functions of a mirror, as far as it has them. */
export type WatchedFunctions = Readonly<Partial<Record<FunctionName, IFunction>>>;

/** Settings of {@link ServiceAlarms}. */
export interface ServiceAlarmsProps {
  readonly functions: WatchedFunctions;
  /** Whether the snapshot function may run only once at a time. */
  readonly reserveConcurrency: boolean;
  readonly api: Pick<IHttpApi, 'metricServerError'>;
  /** The lag to put up with, in seconds. */
  readonly lagSeconds: number;
}

/**
 * No job is told to wait for longer at once: the longest wait that a registry may ask for. An older
 * one waits again and again.
 */
const longestWait = Duration.hours(6);
/** A function that fails once was retried by Lambda, SQS or the next minute. */
const fewErrors = 3;
/** Others are retried by whoever sent the request, or not at all. */
const fewServerErrors = 5;
/** Senders and people wait for these. */
const answering: readonly FunctionName[] = ['webhook', 'api'];
/** These tell their failures otherwise: by a failed deployment, and by an alarm that is older. */
const toldOtherwise: readonly FunctionName[] = ['blob-mounting', 'schedule'];

/**
 * Where docs/operations.md says what to do about an alarm. Each alarm's description has it, since
 * that is what the notification shows.
 */
export function whatToDo(section: string): string {
  return `What to do: docs/operations.md#${section.toLowerCase()}`;
}

/** Alarms about the functions, the API and the lag, for mirrors whose operators want to be told. */
export class ServiceAlarms extends Construct {
  readonly alarms: readonly Alarm[];

  constructor(scope: Construct, id: string, props: ServiceAlarmsProps) {
    super(scope, id);
    this.alarms = [...this.#ofFunctions(props), ...this.#ofSchedule(props), ...this.#ofWork(props)];
  }

  #ofFunctions({ functions, reserveConcurrency }: ServiceAlarmsProps): Alarm[] {
    return Object.entries(functions).flatMap(([key, made]) => {
      const name = key as FunctionName;
      const id = camelCase(name);
      const alarms: Alarm[] = [];
      if (!toldOtherwise.includes(name))
        alarms.push(
          this.#alarm(`${id}Errors`, 'FunctionErrors', {
            text: `The ${name} function fails again and again.`,
            metric: made.metricErrors({ period: fiveMinutes, statistic: 'Sum' }),
            threshold: fewErrors,
          }),
        );
      // A call of the schedule that comes while a snapshot is still being made is throttled on
      // purpose.
      const isLimited = name === 'snapshot' && reserveConcurrency;
      if (name !== 'blob-mounting' && !isLimited)
        alarms.push(
          this.#alarm(`${id}Throttles`, 'FunctionThrottles', {
            text: `Lambda does not run the ${name} function: the account’s concurrency is used up.`,
            metric: made.metricThrottles({ period: fiveMinutes, statistic: 'Sum' }),
            threshold: 1,
            // The queues and the schedule try again; those who wait for an answer do not.
            evaluationPeriods: answering.includes(name) ? 1 : 3,
          }),
        );
      return alarms;
    });
  }

  #ofSchedule({ functions: { schedule } }: ServiceAlarmsProps): Alarm[] {
    if (schedule === undefined) return [];
    return [
      this.#alarm('ScheduleStopped', 'ScheduleStopped', {
        text: 'The schedule function does not run: jobs that wait are not continued.',
        metric: schedule.metricInvocations({ period: fiveMinutes, statistic: 'Sum' }),
        comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
        threshold: 1,
        evaluationPeriods: 2,
        // A function that does not run reports nothing.
        treatMissingData: TreatMissingData.BREACHING,
      }),
    ];
  }

  #ofWork({ api, lagSeconds }: ServiceAlarmsProps): Alarm[] {
    return [
      this.#alarm('ServerErrors', 'ServerErrors', {
        text: 'The API answers with 5xx.',
        metric: api.metricServerError({ period: fiveMinutes, statistic: 'Sum' }),
        threshold: fewServerErrors,
      }),
      this.#alarm('WebhookUnavailable', 'WebhookUnavailable', {
        text: 'A delivery was answered with 503: not everything could be queued.',
        metric: ownMetric('WebhookUnavailable'),
        threshold: 1,
      }),
      this.#alarm('PushLag', 'PushLag', {
        text: `One push in ten is mapped later than ${lagSeconds} s after its webhook.`,
        metric: ownMetric('PushLag', { statistic: 'p90' }),
        comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
        threshold: lagSeconds * 1_000,
      }),
      this.#alarm('OldestWaitingJob', 'OldestWaitingJob', {
        text: `A job waits since more than ${longestWait.toHours()} hours.`,
        metric: ownMetric('OldestWaitingJob'),
        threshold: longestWait.toSeconds(),
        evaluationPeriods: 3,
      }),
      this.#alarm('UpstreamClosed', 'UpstreamClosed', {
        text: 'For an hour, an upstream has reached its rate limit or not answered: its jobs wait.',
        metric: ownMetric('UpstreamClosed'),
        threshold: 1,
        evaluationPeriods: 12,
      }),
    ];
  }

  #alarm(
    id: string,
    section: string,
    {
      text,
      ...props
    }: { text: string; metric: IMetric; threshold: number } & Partial<
      Pick<AlarmProps, 'evaluationPeriods' | 'comparisonOperator' | 'treatMissingData'>
    >,
  ): Alarm {
    return new Alarm(this, id, {
      evaluationPeriods: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      // Nothing is reported if nothing happens. That nothing runs is what ScheduleStopped tells.
      treatMissingData: TreatMissingData.NOT_BREACHING,
      ...props,
      alarmDescription: `${text} ${whatToDo(section)}`,
    });
  }
}

/** `registry-events` as `RegistryEvents`. */
function camelCase(name: string): string {
  return name
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}
