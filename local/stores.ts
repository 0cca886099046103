import { DynamoJobStore } from '../core/aws/dynamodb/job-store.ts';
import { DynamoLayerLeases } from '../core/aws/dynamodb/layer-leases.ts';
import { DynamoMappingStore } from '../core/aws/dynamodb/mappings/mapping-store.ts';
import { openTable } from '../core/aws/dynamodb/table.ts';
import { DynamoWebhookStates } from '../core/aws/dynamodb/webhook-states.ts';
import { SqsJobQueue } from '../core/aws/sqs/job-queue.ts';
import type { LocalTable } from './dynamodb.ts';
import type { LocalQueue } from './sqs.ts';

/** The runner's own access to table and queue, through the adapters that the functions use. */
export function localStores(table: LocalTable, queue: LocalQueue, region: string) {
  const client = { region, credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
  const opened = openTable(table.name, { ...client, endpoint: table.endpoint });
  const sqs = new SqsJobQueue(queue.queueUrl, { ...client, endpoint: queue.endpoint });
  return {
    mappings: new DynamoMappingStore(opened),
    jobs: new DynamoJobStore(opened),
    leases: new DynamoLayerLeases(opened),
    webhookStates: new DynamoWebhookStates(opened),
    queue: sqs,
    close() {
      opened.client.destroy();
      sqs.close();
    },
  };
}
