import {
  BatchDeleteImageCommand,
  DeleteRepositoryCommand,
  ECRClient,
  type ImageIdentifier,
  UpdateImageStorageClassCommand,
} from '@aws-sdk/client-ecr';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Pipeline } from './pipeline.ts';

/** What an operator does in the mirror's ECR, behind Drayage's back. */
export interface MirrorEcr {
  remove(repositoryName: string, ...imageIds: ImageIdentifier[]): Promise<void>;
  removeRepository(repositoryName: string): Promise<void>;
  archive(repositoryName: string, imageId: ImageIdentifier): Promise<void>;
  /** Delivers an event as EventBridge does. */
  deliver(event: unknown): Promise<void>;
  /** Whether every event was worked off. */
  isSettled(): boolean;
  close(): void;
}

/** The ECR API of a pipeline's mirror, and the queue of its events. */
export function mirrorEcr({ stack }: Pipeline): MirrorEcr {
  const client = { region: 'eu-west-1', credentials: { accessKeyId: 'operator', secretAccessKey: 'x' } };
  const ecr = new ECRClient({ endpoint: stack.registry.endpoint, ...client });
  const sqs = new SQSClient({ endpoint: stack.queue.endpoint, ...client });
  return {
    async remove(repositoryName, ...imageIds) {
      const { failures } = await ecr.send(new BatchDeleteImageCommand({ repositoryName, imageIds }));
      if (failures?.length) throw new Error(JSON.stringify(failures));
    },
    async removeRepository(repositoryName) {
      await ecr.send(new DeleteRepositoryCommand({ repositoryName, force: true }));
    },
    async archive(repositoryName, imageId) {
      const targetStorageClass = 'ARCHIVE';
      await ecr.send(new UpdateImageStorageClassCommand({ repositoryName, imageId, targetStorageClass }));
    },
    async deliver(event) {
      const QueueUrl = stack.queue.registryEventsQueueUrl;
      await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(event) }));
    },
    isSettled() {
      const queue = stack.queue.server.inspectQueue('registry-events');
      return queue?.messages.ready.length === 0 && queue.messages.inflight.length === 0;
    },
    close() {
      ecr.destroy();
      sqs.destroy();
    },
  };
}
