import type { SQSRecord } from 'aws-lambda';
import { formatImageKey } from '../../core/mapping/record.ts';
import { parseMessage } from './message.ts';

/** What to do with each message of a batch. None of these rejects. */
export interface BatchWork {
  /** Runs the message's job; false if the message must be retried. */
  run(record: SQSRecord): Promise<boolean>;
  /** When the latest attempt at the job of a message began, ISO 8601; empty if none has. */
  begunAtOf(record: SQSRecord): Promise<string>;
}

/**
 * Runs the messages of a batch in parallel, but those of one tag one after the other: the first
 * then does the work of all. A failed message does not keep the others from their turn. The numbers
 * of a tag's events decide which is the later one, not the queue, so the order within a message
 * group need not be kept.
 *
 * A message that was received before may have crashed the function, along with everything that ran
 * beside it. So a batch with such a message runs one by one, the job that was begun last at the
 * end: finished messages are deleted from the queue, and a message that crashes the function every
 * time ends up alone.
 *
 * @returns the messages to retry
 */
export async function runBatch(records: SQSRecord[], work: BatchWork): Promise<SQSRecord[]> {
  const failed: SQSRecord[] = [];
  const runInTurn = async (turn: SQSRecord[]) => {
    for (const record of turn) if (!(await work.run(record))) failed.push(record);
  };
  if (records.length > 1 && records.some(cameBefore)) await runInTurn(await latestBegunLast(records, work));
  else await Promise.all([...Map.groupBy(records, tagOf).values()].map(runInTurn));
  return failed;
}

function cameBefore({ attributes }: SQSRecord): boolean {
  return Number(attributes.ApproximateReceiveCount) > 1;
}

async function latestBegunLast(records: SQSRecord[], { begunAtOf }: BatchWork): Promise<SQSRecord[]> {
  const dated = await Promise.all(
    records.map(async (record) => ({ record, begunAt: await begunAtOf(record) })),
  );
  return dated
    .sort((a, b) => (a.begunAt < b.begunAt ? -1 : Number(a.begunAt > b.begunAt)))
    .map(({ record }) => record);
}

/** The tag of a message; a message that is not a job gets a key of its own. */
function tagOf({ body, messageId }: SQSRecord): string {
  try {
    return formatImageKey(parseMessage(body).image);
  } catch {
    return messageId; // running it reports the problem
  }
}
