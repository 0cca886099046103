import { Duration } from 'aws-cdk-lib';
import { Alarm, type AlarmProps, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Config } from '../core/config/config.ts';
import type { LayerQueue } from './layer-queue.ts';
import type { MirrorQueue } from './mirror-queue.ts';
import type { Notifications } from './notifications.ts';
import type { RegistryEvents } from './registry-events.ts';
import { ServiceAlarms, type ServiceAlarmsProps, whatToDo } from './service-alarms.ts';

/** Settings of {@link MirrorAlarms}. */
export interface MirrorAlarmsProps {
  /** The queue of mirror jobs, with its dead-letter queue. */
  readonly queue: MirrorQueue;
  /** The queue of layer jobs, with its dead-letter queue. */
  readonly layerQueue: LayerQueue;
  /** The schedule function, which empties the dead-letter queues of jobs and layers. */
  readonly schedule: IFunction;
  /** The queue of the mirror registry's own events, with its dead-letter queue. */
  readonly registryEvents: RegistryEvents;
  /**
   * The queue of lost events of upstream ECR registries.
   *
   * @default - none
   */
  readonly lostEvents?: IQueue;
  /**
   * The notify queue, with its dead-letter queue.
   *
   * @default - none
   */
  readonly notifications?: Pick<Notifications, 'deadLetterQueue'>;
  /**
   * Whom to notify, and from which lag on: the configuration's `alarms`.
   *
   * @default - only the dead-letter alarms, which notify nobody but show in the console
   */
  readonly alarms?: Config['alarms'];
  /** What the alarms about functions, API and lag watch; they exist only with `alarms`. */
  readonly service: Omit<ServiceAlarmsProps, 'lagSeconds'>;
}

/**
 * Alarms for problems that nobody would notice otherwise: jobs that crash over and over, and queues
 * that fall behind.
 */
export class MirrorAlarms extends Construct {
  /** All of them. */
  readonly all: readonly Alarm[];

  constructor(scope: Construct, id: string, props: MirrorAlarmsProps) {
    super(scope, id);
    const { queue, layerQueue, schedule, registryEvents, lostEvents, notifications, alarms, service } = props;
    const watched: Alarm[] = [
      this.#emptiedLetters(
        'DeadLetters',
        queue.deadLetterQueue,
        'A mirror job crashed its function until it was given up. The job table has it as failed, with the reason: find the cause, then try it again (drayage redrive). Messages that are not jobs stay in the queue.',
      ),
      this.#emptiedLetters(
        'LayerDeadLetters',
        layerQueue.deadLetterQueue,
        'A large layer crashed its function until it was given up, and its job failed: find the cause in the log of the layer function, then try the job again (drayage redrive).',
      ),
      new Alarm(this, 'ScheduleErrors', {
        alarmDescription: `The schedule function fails again and again: jobs that wait are not continued, and dead letters not recorded. Find the cause in its log. ${whatToDo('ScheduleErrors')}`,
        metric: schedule.metricErrors({ period: Duration.minutes(5), statistic: 'Sum' }),
        threshold: 3,
        ...atOnce,
      }),
      this.#deadLetters(
        'RegistryEventDeadLetters',
        registryEvents.deadLetterQueue,
        'An event about an image that the mirror lost could not be worked off, so a mapping may point to an image that is gone: find the cause in the log of the registry-events function, then redrive the queue.',
      ),
    ];
    if (lostEvents !== undefined) {
      watched.push(
        this.#deadLetters(
          'LostEvents',
          lostEvents,
          'A push to an upstream ECR registry could not be queued. The message names the image: request it (POST /v1/mirrors), then delete the message.',
        ),
      );
    }
    if (notifications !== undefined) {
      watched.push(
        this.#deadLetters(
          'NotifyDeadLetters',
          notifications.deadLetterQueue,
          'An event did not reach an endpoint of notify within a day. The log of the notify function says why: mend the endpoint, then redrive the dead-letter queue.',
        ),
      );
    }
    this.all = watched;
    if (alarms === undefined) return;
    const { lagSeconds, topic } = alarms;
    watched.push(
      // A message counts until it is deleted, also while it is processed. So this is the time to
      // the mapping for an image that one invocation copies. A job that waits, or whose large
      // layers are separate messages, has no message meanwhile: the second alarm covers the age of
      // those.
      this.#lag('Lag', queue.queue, {
        threshold: lagSeconds,
        alarmDescription: `A mirror job is not done ${lagSeconds} s after it was queued.`,
      }),
      this.#lag('LayerLag', layerQueue.queue, {
        threshold: lagSeconds,
        alarmDescription: `A large layer is not in the mirror ${lagSeconds} s after it was queued: allow more of them at once (layerConcurrency).`,
      }),
      ...new ServiceAlarms(this, 'Service', { ...service, lagSeconds }).alarms,
    );
    if (topic === undefined) return;
    const tell = new SnsAction(Topic.fromTopicArn(this, 'Topic', topic));
    for (const alarm of watched) alarm.addAlarmAction(tell);
  }

  /**
   * The schedule function empties these queues each minute, so a message need not be there when SQS
   * counts the visible ones. It is always counted when it is received. One that is not a job stays,
   * and is received each minute.
   */
  #emptiedLetters(id: string, queue: IQueue, alarmDescription: string): Alarm {
    return new Alarm(this, id, {
      alarmDescription: `${alarmDescription} ${whatToDo(id)}`,
      metric: queue.metricNumberOfMessagesReceived({ ...eachMinute, statistic: 'Sum' }),
      threshold: 1,
      ...atOnce,
    });
  }

  #deadLetters(id: string, queue: IQueue, alarmDescription: string): Alarm {
    return new Alarm(this, id, {
      alarmDescription: `${alarmDescription} ${whatToDo(id)}`,
      metric: queue.metricApproximateNumberOfMessagesVisible(eachMinute),
      threshold: 1,
      ...atOnce,
    });
  }

  #lag(id: string, queue: IQueue, props: Pick<AlarmProps, 'threshold' | 'alarmDescription'>): Alarm {
    return new Alarm(this, id, {
      ...props,
      alarmDescription: `${props.alarmDescription} ${whatToDo(id)}`,
      metric: queue.metricApproximateAgeOfOldestMessage(eachMinute),
      ...atOnce,
    });
  }
}

const eachMinute = { period: Duration.minutes(1), statistic: 'Maximum' };
const atOnce = { evaluationPeriods: 1, treatMissingData: TreatMissingData.NOT_BREACHING };
