import { Duration } from 'aws-cdk-lib';
import { Alarm, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { Config } from '../core/config/config.ts';
import type { MirrorQueue } from './mirror-queue.ts';

/** Settings of {@link MirrorAlarms}. */
export interface MirrorAlarmsProps {
  /** The queue to watch, with its dead-letter queue. */
  readonly queue: MirrorQueue;
  /**
   * Whom to tell, and from which lag on: the configuration's `alarms`.
   *
   * @default - the dead-letter alarm alone, which tells nobody but shows in the console
   */
  readonly alarms?: Config['alarms'];
}

/** Alarms for what nobody would notice otherwise: jobs that crash over and over, and a queue that falls behind. */
export class MirrorAlarms extends Construct {
  constructor(scope: Construct, id: string, { queue, alarms }: MirrorAlarmsProps) {
    super(scope, id);
    const watched = [
      new Alarm(this, 'DeadLetters', {
        alarmDescription:
          'A mirror job crashed its function until it was given up. The job table has it: find the cause, then redrive.',
        metric: queue.deadLetterQueue.metricApproximateNumberOfMessagesVisible({
          period: Duration.minutes(1),
          statistic: 'Maximum',
        }),
        threshold: 1,
        evaluationPeriods: 1,
        treatMissingData: TreatMissingData.NOT_BREACHING,
      }),
    ];
    if (alarms === undefined) return;
    watched.push(
      new Alarm(this, 'Lag', {
        alarmDescription: `A mirror job is not done ${alarms.lagSeconds} s after it was queued.`,
        // A message that is being worked on counts until it is deleted, so this is the time to the mapping.
        metric: queue.queue.metricApproximateAgeOfOldestMessage({
          period: Duration.minutes(1),
          statistic: 'Maximum',
        }),
        threshold: alarms.lagSeconds,
        evaluationPeriods: 1,
        treatMissingData: TreatMissingData.NOT_BREACHING,
      }),
    );
    if (alarms.topic === undefined) return;
    const tell = new SnsAction(Topic.fromTopicArn(this, 'Topic', alarms.topic));
    for (const alarm of watched) alarm.addAlarmAction(tell);
  }
}
