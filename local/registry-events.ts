import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { type DetailPattern, lossPatterns, type MirrorPlace } from '../core/registry-events/patterns.ts';
import type { EventSink, RegistryEvent } from './ecr/server.ts';

/** Where the events go. */
export interface EventDelivery {
  /** The queue's emulator. */
  endpoint: string;
  queueUrl: string;
  place: MirrorPlace;
  log: NodeJS.WritableStream;
}

/**
 * Delivers the registry's events to the queue of the registry-events function, by the patterns of
 * the deployed rules. As in ECR, delivery is best effort.
 */
export function deliverRegistryEvents({ endpoint, queueUrl, place, log }: EventDelivery): {
  sink: EventSink;
  close(): void;
} {
  const { region } = place;
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new SQSClient({ endpoint, region, credentials });
  const patterns = Object.values(lossPatterns(place));
  return {
    sink(event) {
      if (!patterns.some((pattern) => matches(event, { ...pattern }))) return;
      const message = new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify(event) });
      client.send(message).catch((error: Error) => {
        log.write(`an event of the registry is lost: ${error.message}\n`);
      });
    },
    close: () => client.destroy(),
  };
}

/** EventBridge's matching, as far as our patterns need it. */
function matches(value: RegistryEvent | Record<string, unknown>, pattern: DetailPattern): boolean {
  return Object.entries(pattern).every(([field, wanted]) => {
    const own = (value as Record<string, unknown>)[field];
    if (!Array.isArray(wanted))
      return typeof own === 'object' && own !== null && matches(own as Record<string, unknown>, wanted);
    return wanted.some((one) =>
      typeof one === 'string' ? own === one : typeof own === 'string' && own.startsWith(one.prefix),
    );
  });
}
