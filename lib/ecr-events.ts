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
  /** The normalised configuration; without a webhook with the source `ecr`, there is no rule. */
  readonly config: Config;
  /** The function that takes the events: the webhook function. */
  readonly target: IFunction;
}

/**
 * Delivers pushes to upstream ECR registries to the webhook function, and deletions if a rule
 * follows them (`deleted: unmap`). They arrive at this account's
 * default event bus: the account's own events in this region, and those that other accounts and
 * regions send there. Only the rule may invoke the function with them, which makes them authentic.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html
 */
export class EcrEvents extends Construct {
  /**
   * Events that could not be delivered, or failed in every attempt; undefined without an upstream
   * ECR registry.
   */
  readonly lostEvents: Queue | undefined;

  constructor(scope: Construct, id: string, { config, target }: EcrEventsProps) {
    super(scope, id);
    const registries = config.upstreams.flatMap(({ registry, webhooks, repositories }) => {
      const region = ecrHostOf(registry)?.region;
      const account = registry.slice(0, 12);
      const unmaps = repositories.some(({ deleted }) => deleted === 'unmap');
      return region !== undefined && webhooks.some(({ source }) => source === 'ecr')
        ? [{ account, region, unmaps }]
        : [];
    });
    if (registries.length === 0) return;
    const actions = registries.some(({ unmaps }) => unmaps) ? ['PUSH', 'DELETE'] : ['PUSH'];
    this.lostEvents = new Queue(this, 'LostEvents', {
      retentionPeriod: Duration.days(14),
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
    });
    acknowledge(
      this.lostEvents,
      'AwsSolutions-SQS3',
      'It is itself a dead-letter queue: for the rule, and for the function’s asynchronous invocations. Nothing receives from it.',
    );
    // Lambda retries a failing function twice; then the event is kept instead of dropped.
    // https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    target.configureAsyncInvoke({ retryAttempts: 2, onFailure: new SqsDestination(this.lostEvents) });
    new Rule(this, 'Rule', {
      description: 'Drayage: images that were pushed to upstream ECR registries',
      eventPattern: {
        source: ['aws.ecr'],
        detailType: ['ECR Image Action'],
        account: [...new Set(registries.map(({ account }) => account))],
        region: [...new Set(registries.map(({ region }) => region))],
        detail: { 'action-type': actions, result: ['SUCCESS'] },
      },
      // Events that EventBridge can't deliver within a day go to the same queue.
      // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
      targets: [new LambdaFunction(target, { deadLetterQueue: this.lostEvents })],
    });
  }
}
