import { type FauxqsServer, startFauxqs } from 'fauxqs';
import { maxAttempts } from '../core/notify/retries.ts';
import { eventReceiveCount } from '../core/registry-events/ports.ts';
import { giveOutWholeGroups } from './fifo-batches.ts';

export interface LocalQueue {
  endpoint: string;
  queueUrl: string;
  deadLetterQueueUrl: string;
  layerQueueUrl: string;
  layerDeadLetterQueueUrl: string;
  registryEventsQueueUrl: string;
  notifyQueueUrl: string;
  notifyDeadLetterQueueUrl: string;
  server: FauxqsServer;
  stop(): Promise<void>;
}

/**
 * Visibility, retention and redrive as in the deployed queues (lib/mirror-queue.ts,
 * lib/layer-queue.ts, lib/registry-events.ts, lib/notifications.ts).
 */
const attributes = { VisibilityTimeout: '900', MessageRetentionPeriod: '1209600' };
const defaultReceiveCount = 5;

/**
 * Starts the SQS emulator with the mirror queue, the layer queue, the queue of the registry's
 * events, the notify queue and their dead-letter queues, in memory: the job table has all jobs, and
 * a mirror job requests its layers again. Events that no endpoint has taken yet are lost when it
 * stops.
 */
export async function startQueue(region: string): Promise<LocalQueue> {
  await giveOutWholeGroups();
  const server = await startFauxqs({ port: 0, host: '127.0.0.1', logger: false, defaultRegion: region });
  const endpoint = `http://127.0.0.1:${server.port}`;
  const create = (
    name: string,
    suffix: string,
    kind: Record<string, string>,
    maxReceiveCount = defaultReceiveCount,
  ) => {
    const both = { ...attributes, ...kind };
    const deadLetters = server.createQueue(`${name}-dead-letters${suffix}`, { region, attributes: both });
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: deadLetters.queueArn, maxReceiveCount });
    server.createQueue(`${name}${suffix}`, { region, attributes: { ...both, RedrivePolicy } });
  };
  create('mirror', '.fifo', { FifoQueue: 'true' });
  create('layer', '', {});
  create('registry-events', '', { VisibilityTimeout: '180' }, eventReceiveCount);
  create('notify', '', { VisibilityTimeout: '120' }, maxAttempts);
  // The emulator's own URLs contain hosts that not every resolver knows; it only looks at the path.
  const url = (name: string) => `${endpoint}/000000000000/${name}`;
  return {
    endpoint,
    queueUrl: url('mirror.fifo'),
    deadLetterQueueUrl: url('mirror-dead-letters.fifo'),
    layerQueueUrl: url('layer'),
    layerDeadLetterQueueUrl: url('layer-dead-letters'),
    registryEventsQueueUrl: url('registry-events'),
    notifyQueueUrl: url('notify'),
    notifyDeadLetterQueueUrl: url('notify-dead-letters'),
    server,
    stop: () => server.stop(),
  };
}
