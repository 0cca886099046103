import type { SQSRecord } from 'aws-lambda';
import { sendAgain } from '../../core/jobs/enqueue.ts';
import type { ProcessDependencies } from '../../core/jobs/process-message.ts';
import { logger } from '../shared/telemetry.ts';
import { parseMessage } from './message.ts';

/**
 * Gives each message that came back a group of its own, and deletes it from the repository's: its
 * job may have ended the function, and may do so again, while the other messages of a group wait
 * for each of its attempts. It is run when it is received there. The order of a group decides
 * nothing.
 *
 * @param forget deletes a message that was sent again; never rejects
 * @returns the others, which are run now; also those that could not be sent
 */
export async function setApart(
  records: readonly SQSRecord[],
  deps: Pick<ProcessDependencies, 'queue' | 'config'>,
  forget: (record: SQSRecord) => Promise<void>,
): Promise<SQSRecord[]> {
  const left = await Promise.all(
    records.map(async (record) => ((await isSetApart(record, deps, forget)) ? [] : [record])),
  );
  return left.flat();
}

async function isSetApart(
  record: SQSRecord,
  deps: Pick<ProcessDependencies, 'queue' | 'config'>,
  forget: (record: SQSRecord) => Promise<void>,
): Promise<boolean> {
  const { body, messageId, attributes } = record;
  if (Number(attributes.ApproximateReceiveCount) < 2) return false;
  try {
    const message = parseMessage(body);
    if (message.apart) return false;
    await sendAgain({ ...message, apart: true }, deps);
  } catch (error) {
    logger.warn('a message that came back stays in its group', { messageId, error: error as Error });
    return false;
  }
  await forget(record);
  return true;
}
