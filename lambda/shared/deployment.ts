import { DynamoJobStore } from '../../core/aws/dynamodb/job-store.ts';
import { SqsJobQueue } from '../../core/aws/sqs/job-queue.ts';
import type { JobQueue, JobStore } from '../../core/jobs/ports.ts';
import type { VisibilityQueue } from './messages.ts';
import { TableDeployment } from './table-deployment.ts';

/** What the functions that record and queue jobs need. */
export class Deployment extends TableDeployment {
  get jobs(): JobStore {
    return this.once('jobs', () => new DynamoJobStore(this.table));
  }

  /** The mirror queue. */
  get queue(): JobQueue & VisibilityQueue {
    return this.once('queue', () => new SqsJobQueue(this.environment.text('DRAYAGE_QUEUE_URL')));
  }

  /**
   * After how many seconds a message that failed or crashed is retried; absent: each function has
   * its own default.
   */
  get retrySeconds(): number | undefined {
    return this.environment.optionalNumber('DRAYAGE_RETRY_SECONDS', { mayBeZero: true });
  }
}
