import { Duration } from 'aws-cdk-lib';
import { Queue, QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { maxReceiveCount, visibilitySeconds } from './mirror-queue.ts';

const standard: QueueProps = {
  retentionPeriod: Duration.days(14),
  encryption: QueueEncryption.SQS_MANAGED,
  enforceSSL: true,
};

/**
 * The queue of layer jobs and its dead-letter queue. A standard queue: the layers of one image are
 * copied at the same time and in any order. A message that is delivered twice finds its layer
 * present, or being copied by another.
 *
 * A received message stays hidden as in the mirror queue.
 */
export class LayerQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetterQueue: Queue;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.deadLetterQueue = new Queue(this, 'DeadLetters', standard);
    this.queue = new Queue(this, 'Queue', {
      ...standard,
      visibilityTimeout: Duration.seconds(visibilitySeconds),
      deadLetterQueue: { queue: this.deadLetterQueue, maxReceiveCount },
    });
  }
}
