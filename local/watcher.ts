import type { APIGatewayProxyStructuredResultV2, SQSEvent } from 'aws-lambda';
import type { JobStore } from '../core/jobs/ports.ts';
import { isFinished, type JobMessage, type JobRecord } from '../core/jobs/record.ts';
import type { LambdaFunction } from './lambda-function.ts';

/** The answer that a webhook's sender got. */
export interface Delivery {
  /** The webhook's name from the path; such a webhook need not exist. */
  name: string;
  status: number;
  /**
   * From the body of the answer: both are absent if the request was refused or was not a delivery.
   */
  accepted?: { image: string; job: string }[];
  ignored?: { image?: string; reason: string }[];
  /** Why it was refused. */
  code?: string;
}

/** Observes what happens in the local stack. Its methods must not throw. */
export interface LocalWatcher {
  delivery(delivery: Delivery): void;
  /** A job has ended, or is waiting. */
  job(job: JobRecord): void;
}

/** A function, as its callers see it. */
export type Invocable = Pick<LambdaFunction, 'invoke' | 'name'>;

/**
 * How many reported jobs are remembered: a message can be delivered twice, and each layer of an
 * image has its own message.
 */
const remembered = 1_000;

/** The webhook function, with its answers reported to the watcher. */
export function watchDeliveries(webhook: Invocable, watcher: LocalWatcher): Invocable {
  return {
    name: webhook.name,
    async invoke(event) {
      const answer = await webhook.invoke(event);
      watcher.delivery(
        readDelivery(event as { rawPath: string }, answer as APIGatewayProxyStructuredResultV2),
      );
      return answer;
    },
  };
}

/** Wraps a function that reads from a queue, and reports the outcome of each message's job. */
export function jobTeller(
  jobs: Pick<JobStore, 'read'>,
  watcher: LocalWatcher,
): (worker: Invocable) => Invocable {
  const told = new Map<string, string>();
  const tell = async (id: string) => {
    const job = await jobs.read(id);
    if (job === undefined || !(isFinished(job) || job.state === 'waiting')) return;
    const news = `${job.state} ${job.notBefore ?? ''}`;
    if (told.get(id) === news) return;
    told.set(id, news);
    for (const oldest of told.keys()) {
      if (told.size <= remembered) break;
      told.delete(oldest);
    }
    watcher.job(job);
  };
  return (worker) => ({
    name: worker.name,
    async invoke(event) {
      try {
        return await worker.invoke(event);
      } finally {
        for (const { body } of (event as SQSEvent).Records) {
          // The table may be closed already; then nothing observes the jobs any more either.
          await tell((JSON.parse(body) as Pick<JobMessage, 'job'>).job).catch(() => {});
        }
      }
    },
  });
}

function readDelivery({ rawPath }: { rawPath: string }, answer: APIGatewayProxyStructuredResultV2): Delivery {
  const [, , name = ''] = rawPath.split('/');
  const body = JSON.parse(answer.body || '{}') as Omit<Delivery, 'name' | 'status'> & {
    error?: { code: string };
  };
  const { accepted, ignored, error } = body;
  return {
    name,
    status: answer.statusCode ?? 200,
    ...(accepted && { accepted }),
    ...(ignored && { ignored }),
    ...(error && { code: error.code }),
  };
}
