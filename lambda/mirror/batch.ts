import type { SQSRecord } from 'aws-lambda';
import { formatImageKey } from '../../core/mapping/record.ts';
import { parseMessage } from './message.ts';

/** What to do with each message of a batch. None of these rejects. */
export interface BatchWork {
  /** Runs the message's job; false if the message must come again. */
  run(record: SQSRecord): Promise<boolean>;
  /** How often the job of a message was begun so far; 0 if nobody knows. */
  attemptsOf(record: SQSRecord): Promise<number>;
}

/**
 * Runs the messages of a batch side by side, those of one tag one after the other: the first then
 * does the work of all. A message that fails keeps none of the others from its turn. Which of two
 * events of a tag is the later one is decided by their numbers, not by the queue, so the order
 * within a message group need not be kept.
 *
 * A message that was received before may have ended the function, with all that ran beside it. So a
 * batch with such a message runs one after the other, the jobs that were begun least often first:
 * what finishes is deleted from the queue, and a message that ends the function each time ends up
 * alone.
 *
 * @returns the messages that must come again
 */
export async function runBatch(records: SQSRecord[], work: BatchWork): Promise<SQSRecord[]> {
  const failed: SQSRecord[] = [];
  const runInTurn = async (turn: SQSRecord[]) => {
    for (const record of turn) if (!(await work.run(record))) failed.push(record);
  };
  if (records.length > 1 && records.some(cameBefore)) await runInTurn(await leastBegunFirst(records, work));
  else await Promise.all([...Map.groupBy(records, tagOf).values()].map(runInTurn));
  return failed;
}

function cameBefore({ attributes }: SQSRecord): boolean {
  return Number(attributes.ApproximateReceiveCount) > 1;
}

async function leastBegunFirst(records: SQSRecord[], { attemptsOf }: BatchWork): Promise<SQSRecord[]> {
  const counted = await Promise.all(
    records.map(async (record) => ({ record, attempts: await attemptsOf(record) })),
  );
  return counted.sort((a, b) => a.attempts - b.attempts).map(({ record }) => record);
}

/** The tag that a message is about; one that is not a job's is about itself. */
function tagOf({ body, messageId }: SQSRecord): string {
  try {
    return formatImageKey(parseMessage(body).image);
  } catch {
    return messageId; // running it reports what is wrong
  }
}
