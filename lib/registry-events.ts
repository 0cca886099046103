import { Duration } from 'aws-cdk-lib';
import { Rule } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue, QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import {
  type EventPattern,
  lossPatterns,
  type MirrorPlace,
  scanPattern,
} from '../core/registry-events/patterns.ts';
import { eventBatchSize, eventReceiveCount } from '../core/registry-events/ports.ts';

/**
 * How long the function may take, seconds: it waits up to 45 s for a tag's lease, which a job that
 * crashed holds for 30 s.
 */
export const registryEventsSeconds = 90;

/** The most invocations at once: ECR limits how often images may be described. */
const maxConcurrency = 10;

const standard: QueueProps = {
  retentionPeriod: Duration.days(14),
  encryption: QueueEncryption.SQS_MANAGED,
  enforceSSL: true,
};

/** Settings of {@link RegistryEvents}. */
export interface RegistryEventsProps extends MirrorPlace {
  /** Whether jobs wait for scans: then their events are delivered, too. */
  readonly scans: boolean;
}

/** The rules, each with its construct ID. */
const rules = [
  { id: 'Images', events: 'images', description: 'images that were deleted or archived in the mirror' },
  { id: 'Lifecycle', events: 'lifecycle', description: 'what lifecycle policies did in the mirror' },
  { id: 'Repositories', events: 'repositories', description: 'mirror repositories that were deleted' },
] as const;

/**
 * Delivers what the mirror's own registry tells about images that it lost, and about scans that
 * jobs wait for: EventBridge rules, a queue, and its dead-letter queue. The order of events does
 * not matter, since each only makes the function look, so it is a standard queue.
 */
export class RegistryEvents extends Construct {
  readonly queue: Queue;
  /** Events that could not be delivered, and those whose messages failed each time. */
  readonly deadLetterQueue: Queue;

  constructor(scope: Construct, id: string, { scans, ...place }: RegistryEventsProps) {
    super(scope, id);
    this.deadLetterQueue = new Queue(this, 'DeadLetters', standard);
    this.queue = new Queue(this, 'Queue', {
      ...standard,
      // Twice the function's timeout: a batch may wait for its turn in Lambda's poller.
      visibilityTimeout: Duration.seconds(2 * registryEventsSeconds),
      deadLetterQueue: { queue: this.deadLetterQueue, maxReceiveCount: eventReceiveCount },
    });
    const patterns = lossPatterns(place);
    for (const { id: rule, events, description } of rules) this.#deliver(rule, patterns[events], description);
    if (scans) this.#deliver('Scans', scanPattern(place), 'scans in the mirror that are over');
  }

  #deliver(id: string, pattern: EventPattern, description: string): void {
    const { 'detail-type': detailType, ...eventPattern } = pattern;
    new Rule(this, id, {
      description: `Drayage: ${description}`,
      eventPattern: { ...eventPattern, detailType },
      // Only these rules may send, by the condition on their ARNs in the queue's policy.
      targets: [new SqsQueue(this.queue, { deadLetterQueue: this.deadLetterQueue })],
    });
  }

  /** Feeds the function. A batch is not waited for: a mapping should be gone at once. */
  feed(target: IFunction): void {
    target.addEventSource(
      new SqsEventSource(this.queue, {
        batchSize: eventBatchSize,
        reportBatchItemFailures: true,
        maxConcurrency,
      }),
    );
  }
}
