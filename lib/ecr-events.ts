import { Duration } from 'aws-cdk-lib';
import { Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Config } from '../core/config/config.ts';
import { ecrHostOf } from '../core/registry/known-registries.ts';
import { acknowledge } from './acknowledge.ts';

/** Settings of {@link EcrEvents}. */
export interface EcrEventsProps {
  /** The normalised configuration; without a webhook of the source `ecr` there is no rule. */
  readonly config: Config;
  /** The function that takes the events: the webhook function. */
  readonly target: IFunction;
}

/**
 * Hands pushes into ECR registries that are upstreams to the webhook function: those that arrive at
 * this account's default event bus, which are the account's own in this region, and what other
 * accounts and regions send there. Only the rule may invoke the function with them, which is what
 * makes them authentic. https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html
 */
export class EcrEvents extends Construct {
  /**
   * Events that could not be handed over, or failed in each attempt; undefined without an upstream
   * ECR registry.
   */
  readonly lostEvents: Queue | undefined;

  constructor(scope: Construct, id: string, { config, target }: EcrEventsProps) {
    super(scope, id);
    const registries = config.upstreams.flatMap(({ registry, webhooks }) => {
      const region = ecrHostOf(registry)?.region;
      const account = registry.slice(0, 12);
      return region !== undefined && webhooks.some(({ source }) => source === 'ecr')
        ? [{ account, region }]
        : [];
    });
    if (registries.length === 0) return;
    this.lostEvents = new Queue(this, 'LostEvents', {
      retentionPeriod: Duration.days(14),
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
    });
    acknowledge(
      this.lostEvents,
      'AwsSolutions-SQS3',
      'It is a dead-letter queue itself: of the rule, and of the function’s asynchronous invocations. Nothing receives from it.',
    );
    // Lambda tries a failing function twice again; then the event is not dropped but kept.
    // https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    target.configureAsyncInvoke({ retryAttempts: 2, onFailure: new SqsDestination(this.lostEvents) });
    new Rule(this, 'Rule', {
      description: 'Drayage: images that were pushed into upstream ECR registries',
      eventPattern: {
        source: ['aws.ecr'],
        detailType: ['ECR Image Action'],
        account: [...new Set(registries.map(({ account }) => account))],
        region: [...new Set(registries.map(({ region }) => region))],
        detail: { 'action-type': ['PUSH'], result: ['SUCCESS'] },
      },
      // What EventBridge can't hand over within a day goes to the same queue.
      // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
      targets: [new LambdaFunction(target, { deadLetterQueue: this.lostEvents })],
    });
  }
}
