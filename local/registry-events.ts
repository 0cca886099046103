import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { lossPatterns, type MirrorPlace, scanPattern } from '../core/registry-events/patterns.ts';
import type { EventSink } from './ecr/server.ts';
import { matchesPattern } from './event-pattern.ts';

/** Where the events go. */
export interface EventDelivery {
  /** The queue's emulator. */
  endpoint: string;
  queueUrl: string;
  place: MirrorPlace;
  /** Whether jobs wait for scans. */
  scans?: boolean;
  log: NodeJS.WritableStream;
}

/**
 * Delivers the registry's events to the queue of the registry-events function, by the patterns of
 * the deployed rules. As in ECR, delivery is best effort.
 */
export function deliverRegistryEvents({ endpoint, queueUrl, place, scans = false, log }: EventDelivery): {
  sink: EventSink;
  close(): void;
} {
  const { region } = place;
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new SQSClient({ endpoint, region, credentials });
  const patterns = [...Object.values(lossPatterns(place)), ...(scans ? [scanPattern(place)] : [])];
  return {
    sink(event) {
      if (!patterns.some((pattern) => matchesPattern(event, { ...pattern }))) return;
      const message = new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify(event) });
      client.send(message).catch((error: Error) => {
        log.write(`an event of the registry is lost: ${error.message}\n`);
      });
    },
    close: () => client.destroy(),
  };
}
