import { Duration } from 'aws-cdk-lib';
import { EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue, QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { maxAttempts } from '../core/notify/retries.ts';
import { notifyRules } from '../core/notify/rules.ts';
import { type FunctionDefaults, ServiceFunction } from './service-function.ts';
import { grantNotifySecrets } from './upstream-credentials.ts';

/** How many events an invocation delivers side by side, and how many invocations run at once. */
const batchSize = 10;
const maxConcurrency = 10;
/** For reading a secret, and for an endpoint that does not answer. */
const timeoutSeconds = 60;

const standard: QueueProps = {
  retentionPeriod: Duration.days(14),
  encryption: QueueEncryption.SQS_MANAGED,
  enforceSSL: true,
};

/**
 * Delivers events to the endpoints of the configuration's `notify`: a rule on the default event bus
 * for each endpoint, one queue, and the function that sends webhooks. The endpoint is the message's
 * group, which makes the queue a fair one: a slow endpoint with many waiting messages does not
 * delay those of the others.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
 */
export class Notifications extends Construct {
  readonly queue: Queue;
  /** Events that EventBridge could not queue, or that no attempt could deliver. */
  readonly deadLetterQueue: Queue;
  readonly function: ServiceFunction['function'];

  constructor(scope: Construct, id: string, defaults: FunctionDefaults) {
    super(scope, id);
    this.deadLetterQueue = new Queue(this, 'DeadLetters', standard);
    this.queue = new Queue(this, 'Queue', {
      ...standard,
      visibilityTimeout: Duration.seconds(2 * timeoutSeconds),
      deadLetterQueue: { queue: this.deadLetterQueue, maxReceiveCount: maxAttempts },
    });
    const handler = new ServiceFunction(this, 'Handler', {
      name: 'notify',
      description: 'sends events to the endpoints of mirror.yaml',
      timeout: Duration.seconds(timeoutSeconds),
      // It needs 100 MB, and mostly waits for endpoints: nobody waits for it.
      memorySize: 256,
      ...defaults,
      environment: { ...defaults.environment, DRAYAGE_NOTIFY_QUEUE_URL: this.queue.queueUrl },
    });
    this.function = handler.function;
    this.function.addEventSource(
      new SqsEventSource(this.queue, { batchSize, reportBatchItemFailures: true, maxConcurrency }),
    );
    grantNotifySecrets(handler, this.function, defaults.config);
    for (const { endpoint, pattern } of notifyRules(defaults.config)) {
      new Rule(this, `Rule-${endpoint}`, {
        description: `Drayage: what the endpoint ${endpoint} is told`,
        eventPattern: pattern,
        targets: [
          new SqsQueue(this.queue, {
            message: RuleTargetInput.fromObject({ endpoint, event: EventField.fromPath('$.detail') }),
            messageGroupId: endpoint,
            deadLetterQueue: this.deadLetterQueue,
          }),
        ],
      });
    }
  }
}
