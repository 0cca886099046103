import { type FauxqsServer, startFauxqs } from 'fauxqs';

export interface LocalQueue {
  endpoint: string;
  queueUrl: string;
  deadLetterQueueUrl: string;
  server: FauxqsServer;
  stop(): Promise<void>;
}

/** Visibility, retention and redrive as the deployed queue has them (lib/mirror-queue.ts). */
const attributes = { FifoQueue: 'true', VisibilityTimeout: '1800', MessageRetentionPeriod: '1209600' };
const maxReceiveCount = 5;

/** Starts the SQS emulator with the mirror queue and its dead-letter queue, in memory: the job table has all jobs. */
export async function startQueue(region: string): Promise<LocalQueue> {
  const server = await startFauxqs({ port: 0, host: '127.0.0.1', logger: false, defaultRegion: region });
  const endpoint = `http://127.0.0.1:${server.port}`;
  const deadLetters = server.createQueue('mirror-dead-letters.fifo', { region, attributes });
  server.createQueue('mirror.fifo', {
    region,
    attributes: {
      ...attributes,
      RedrivePolicy: JSON.stringify({ deadLetterTargetArn: deadLetters.queueArn, maxReceiveCount }),
    },
  });
  // The emulator's own URLs name hosts that not every resolver knows; it looks at the path alone.
  const url = (name: string) => `${endpoint}/000000000000/${name}`;
  return {
    endpoint,
    queueUrl: url('mirror.fifo'),
    deadLetterQueueUrl: url('mirror-dead-letters.fifo'),
    server,
    stop: () => server.stop(),
  };
}
