/** The part of the emulator's queue that we use. */
interface EmulatedQueue {
  /** How many messages of a group are in flight; a group that is listed here gives out nothing. */
  readonly fifoLockedGroups: Map<string, number>;
  dequeueFifo(count: number, ...rest: unknown[]): ReceivedMessage[];
}
type ReceivedMessage = object;

/** SQS returns no more at once. */
const mostAtOnce = 10;

/**
 * Makes the emulator's FIFO queues return several messages of one group at once, as SQS does:
 * “Amazon SQS first attempts to return as many messages with the same message group ID as
 * possible”. The emulator stops after one from each group.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html
 *
 * @throws Error if the emulator's code has changed since this was written
 */
export async function giveOutWholeGroups(): Promise<void> {
  // Its package exports only the server; this is the same module that the server has loaded.
  const store = (await import(new URL('sqs/sqsStore.js', import.meta.resolve('fauxqs')).href)) as {
    SqsQueue?: { prototype: Partial<EmulatedQueue> };
  };
  const prototype = store.SqsQueue?.prototype;
  const oneEach = prototype?.dequeueFifo;
  if (!prototype || !oneEach)
    throw new Error('the SQS emulator has no SqsQueue.dequeueFifo: see local/fifo-batches.ts');
  if (oneEach === patched) return;
  original = oneEach;
  prototype.dequeueFifo = patched;
}

let original: EmulatedQueue['dequeueFifo'] | undefined;

function patched(this: EmulatedQueue, count: number, ...rest: unknown[]): ReceivedMessage[] {
  const { fifoLockedGroups: locked } = this;
  const before = new Set(locked.keys());
  const taken = new Map<string, number>();
  const received: ReceivedMessage[] = [];
  while (received.length < Math.min(count, mostAtOnce)) {
    const more = original?.call(this, Math.min(count, mostAtOnce) - received.length, ...rest) ?? [];
    if (more.length === 0) break;
    received.push(...more);
    // The groups of this call may return another one.
    for (const [group, inFlight] of [...locked]) {
      if (before.has(group)) continue;
      taken.set(group, (taken.get(group) ?? 0) + inFlight);
      locked.delete(group);
    }
  }
  for (const [group, inFlight] of taken) locked.set(group, inFlight);
  return received;
}
