import { Duration } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';

/** Settings of {@link MinuteSchedule}. */
export interface MinuteScheduleProps {
  /** The function to invoke every minute, with an empty event. */
  readonly target: IFunction;
  /** What that does, as the console shows it. */
  readonly description: string;
}

/** Runs a function every minute. A missed run is not repeated: the next one does its work. */
export class MinuteSchedule extends Construct {
  constructor(scope: Construct, id: string, props: MinuteScheduleProps) {
    super(scope, id);
    new Rule(this, 'Rule', {
      description: `Drayage: ${props.description}`,
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [new LambdaFunction(props.target, { retryAttempts: 0, maxEventAge: Duration.minutes(1) })],
    });
  }
}
