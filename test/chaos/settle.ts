import { setTimeout as sleep } from 'node:timers/promises';
import { ChangeMessageVisibilityCommand } from '@aws-sdk/client-sqs';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { jobRecord } from '../../core/aws/dynamodb/job-item.ts';
import { isFinished, type JobRecord } from '../../core/jobs/record.ts';
import { requestReconcile } from '../../core/reconcile/request.ts';
import type { World } from './world.ts';

export const queueNames = [
  'mirror.fifo',
  'mirror-dead-letters.fifo',
  'layer',
  'layer-dead-letters',
  'registry-events',
  'registry-events-dead-letters',
];
/** Messages in the queues of dead letters of jobs are the schedule's work, not consumers'. */
const consumedNames = ['mirror.fifo', 'layer', 'registry-events'];

/** Between two looks, milliseconds. */
const lookEveryMs = 50;
/** After so many looks at consumers that do nothing, hidden messages are nobody's. */
const releaseAfterLooks = 8;
/** For how long consumers may work on what is in the queues, milliseconds. */
const drainWithinMs = 300_000;
/** How far the clock moves while something waits, and how often: two days. */
const stepMs = 16 * 60_000;
const mostSteps = 180;

/** Ends all trouble: from now on, every call and every request is answered. */
export function calm(world: World): void {
  const { fates, faultyTable, faultyQueue, upstreams, mirror } = world;
  fates.isCalm = true;
  faultyTable.calm();
  faultyQueue.calm();
  upstreams.hubConnection.mend();
  for (const { faults } of [...Object.values(upstreams.registries), mirror]) faults.clear();
}

/**
 * Lets time pass until every job has ended.
 *
 * @throws Error if that takes days
 */
export async function untilJobsEnd(world: World): Promise<{ hours: number }> {
  let steps = 0;
  for (;;) {
    await drain(world);
    const open = (await allJobs(world)).filter((job) => !isFinished(job));
    const dead = ['mirror-dead-letters.fifo', 'layer-dead-letters'].some((name) => countOf(world, name) > 0);
    if (open.length === 0 && !dead) return { hours: (steps * stepMs) / 3_600_000 };
    if (steps === mostSteps)
      throw new Error(`${open.length} jobs have not ended after two days: ${JSON.stringify(open[0])}`);
    steps += 1;
    world.advance(stepMs);
    await releaseHidden(world);
    await call(world, 'schedule');
  }
}

/** Compares every upstream with the mirror once, and waits for what that queues. */
export async function reconcileOnce(world: World): Promise<{ invocations: number }> {
  const config = world.upstreams.config('second');
  // What is left of an invocation that was killed expires.
  world.advance(2 * stepMs);
  await requestReconcile(config, undefined, { store: world.reconcileStore, now: world.now() });
  const asked = world.now();
  let invocations = 0;
  for (;;) {
    world.advance(60_000);
    invocations += 1;
    const walked = (await call(world, 'reconcile')) as { isDone: boolean } | null;
    await drain(world);
    if (walked?.isDone) break;
    if (invocations > 60) throw new Error(`the comparison asked for at ${asked.toISOString()} does not end`);
  }
  await untilJobsEnd(world);
  return { invocations };
}

/**
 * Calls a function as its schedule does: what fails, since this machine has too much to do, is left
 * to the next call.
 */
async function call({ functions, now, log }: World, name: 'schedule' | 'reconcile'): Promise<unknown> {
  try {
    return await functions[name].invoke({ time: now().toISOString() });
  } catch (error) {
    log.write(`the call of ${name} failed: ${(error as Error).message}\n`);
    return null;
  }
}

/** Waits until the consumers have nothing to do. */
async function drain(world: World): Promise<void> {
  const until = Date.now() + drainWithinMs;
  let idle = 0;
  for (let quiet = 0; quiet < 3; ) {
    const { mirror, layer, 'registry-events': events } = world.functions;
    idle = mirror.busy + layer.busy + events.busy > 0 ? 0 : idle + 1;
    quiet = idle === 0 || consumedNames.some((name) => countOf(world, name) > 0) ? 0 : quiet + 1;
    if (Date.now() > until) {
      const left = consumedNames.map((name) => `${name}: ${countOf(world, name)}`).join(', ');
      throw new Error(`the queues are not empty after ${drainWithinMs / 1000} s: ${left}`);
    }
    await sleep(lookEveryMs);
    if (idle > 0 && idle % releaseAfterLooks === 0) await releaseHidden(world);
  }
}

/** How many messages a queue has, hidden ones included. */
export function countOf({ queue }: World, name: string): number {
  const { ready = [], delayed = [], inflight = [] } = queue.server.inspectQueue(name)?.messages ?? {};
  return ready.length + delayed.length + inflight.length;
}

/** The time has passed for which messages were hidden whose workers are gone. */
async function releaseHidden({ queue, sqs }: World): Promise<void> {
  for (const name of queueNames) {
    const QueueUrl = `${queue.endpoint}/000000000000/${name}`;
    for (const { receiptHandle } of queue.server.inspectQueue(name)?.messages.inflight ?? [])
      await sqs
        .send(
          new ChangeMessageVisibilityCommand({
            QueueUrl,
            ReceiptHandle: receiptHandle,
            VisibilityTimeout: 0,
          }),
        )
        .catch(() => {});
  }
}

/** All jobs, whatever the functions' clocks said. */
export async function allJobs({ table: { client, name } }: World): Promise<JobRecord[]> {
  const jobs: JobRecord[] = [];
  let ExclusiveStartKey: Record<string, unknown> | undefined;
  do {
    const page = await client.send(
      new ScanCommand({
        TableName: name,
        FilterExpression: 'begins_with(pk, :jobs)',
        ExpressionAttributeValues: { ':jobs': 'jobs#' },
        ConsistentRead: true,
        ExclusiveStartKey,
      }),
    );
    for (const item of page.Items ?? []) jobs.push(jobRecord(item));
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey);
  return jobs;
}
