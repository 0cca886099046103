import { Duration } from 'aws-cdk-lib';
import {
  DeduplicationScope,
  FifoThroughputLimit,
  type IQueue,
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

/** A queue of mirror jobs that exists already. */
export interface ExistingQueue {
  /**
   * A FIFO queue whose visibility timeout is at least 900 seconds. Its redrive policy names
   * `deadLetterQueue`.
   */
  readonly queue: IQueue;
  /** The dead-letter queue of `queue`: FIFO, too. */
  readonly deadLetterQueue: IQueue;
}

/** Settings of {@link MirrorQueue}. */
export interface MirrorQueueProps {
  /**
   * A queue to use instead of a new one, with its dead-letter queue.
   *
   * @default - new queues
   */
  readonly queue?: ExistingQueue;
}

/**
 * The queue of mirror jobs and its dead-letter queue. FIFO, one message group per mirror
 * repository: images of one repository share layers, so if they are copied in turn, the second
 * finds them present.
 */
export class MirrorQueue extends Construct {
  readonly queue: IQueue;
  readonly deadLetterQueue: IQueue;

  constructor(scope: Construct, id: string, { queue: existing }: MirrorQueueProps = {}) {
    super(scope, id);
    if (existing !== undefined) {
      this.queue = existing.queue;
      this.deadLetterQueue = existing.deadLetterQueue;
      return;
    }
    const deadLetterQueue = new Queue(this, 'DeadLetters', fifo);
    this.deadLetterQueue = deadLetterQueue;
    this.queue = new Queue(this, 'Queue', {
      ...fifo,
      visibilityTimeout: Duration.seconds(visibilitySeconds),
      deadLetterQueue: { queue: deadLetterQueue, maxReceiveCount },
    });
  }
}
