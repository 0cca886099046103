import { Duration } from 'aws-cdk-lib';
import {
  DeduplicationScope,
  FifoThroughputLimit,
  Queue,
  QueueEncryption,
  type QueueProps,
} from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

/**
 * How often a message is received before it goes to the dead-letter queue. Failures are recorded in
 * the job, so these are crashes.
 */
export const maxReceiveCount = 5;

/**
 * How many seconds a received message stays hidden: the timeout of the functions, the minimum that
 * Lambda requires (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html). While
 * they work, the functions set it to a minute (mirror) or two (layer) themselves, so that a message
 * whose function dies silently does not block its repository for longer.
 */
export const visibilitySeconds = 900;

const fifo: QueueProps = {
  fifo: true,
  // SQS's deduplication window would swallow a second, real push of a tag within five minutes. So
  // each message has its own id, and the "satisfied" rule removes duplicates (design, decision 2).
  contentBasedDeduplication: false,
  // High throughput mode: the limits apply per message group, which is one mirror repository.
  // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/high-throughput-fifo.html
  deduplicationScope: DeduplicationScope.MESSAGE_GROUP,
  fifoThroughputLimit: FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
  retentionPeriod: Duration.days(14),
  encryption: QueueEncryption.SQS_MANAGED,
  enforceSSL: true,
};

/**
 * The queue of mirror jobs and its dead-letter queue. FIFO, one message group per mirror
 * repository: images of one repository share layers, so if they are copied in turn, the second
 * finds them present.
 */
export class MirrorQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetterQueue: Queue;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.deadLetterQueue = new Queue(this, 'DeadLetters', fifo);
    this.queue = new Queue(this, 'Queue', {
      ...fifo,
      visibilityTimeout: Duration.seconds(visibilitySeconds),
      deadLetterQueue: { queue: this.deadLetterQueue, maxReceiveCount },
    });
  }
}
