import { DynamoCheckpointStore } from '../../core/aws/dynamodb/checkpoint-store.ts';
import { DynamoJobStore } from '../../core/aws/dynamodb/job-store.ts';
import { DynamoLayerIndex } from '../../core/aws/dynamodb/layer-index.ts';
import { DynamoLayerLeases } from '../../core/aws/dynamodb/layer-leases.ts';
import { DynamoMappingStore } from '../../core/aws/dynamodb/mapping-store.ts';
import { openTable } from '../../core/aws/dynamodb/table.ts';
import { DynamoUpstreamGate } from '../../core/aws/dynamodb/upstream-gate.ts';
import { DynamoWebhookStates } from '../../core/aws/dynamodb/webhook-states.ts';
import { SecretReader } from '../../core/aws/secrets.ts';
import { SqsJobQueue } from '../../core/aws/sqs/job-queue.ts';
import { SqsLayerQueue } from '../../core/aws/sqs/layer-queue.ts';
import type { Config } from '../../core/config/config.ts';
import { StreamSpeed } from '../../core/copy/blob/time-limit.ts';
import { DeploymentSecrets, type SecretRoots } from '../../core/webhooks/secrets/secrets.ts';
import { environment } from './environment.ts';

/** Makes a value when it is first asked for, and keeps it as long as the function's instance lives. */
export function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** The configuration of the deployment: written by the stack, so that it is taken as it is. */
export const config = once((): Config => JSON.parse(environment('config')));
/** The region that this deployment mirrors into. */
export const region = (): string => config().mirror.regions[0] ?? '';
const table = once(() => openTable(environment('table')));
export const mappings = once(() => new DynamoMappingStore(table()));
export const jobs = once(() => new DynamoJobStore(table()));
export const layerIndex = once(() => new DynamoLayerIndex(table(), region()));
export const checkpoints = once(() => new DynamoCheckpointStore(table(), region()));
export const layerLeases = once(() => new DynamoLayerLeases(table()));
export const upstreamGate = once(() => new DynamoUpstreamGate(table()));
export const queue = once(() => new SqsJobQueue(environment('queueUrl')));
export const layerQueue = once(() => new SqsLayerQueue(environment('layerQueueUrl')));
/** From which size on, bytes, several missing blobs of an image travel as layer jobs. */
export const fanOutBytes = once(() => Number(environment('fanOutBytes')));
/** How fast streams into the mirror are in this instance. */
export const streamSpeed = once(() => new StreamSpeed());
export const secrets = once(() => new SecretReader());
export const webhookStates = once(() => new DynamoWebhookStates(table()));
/** What all webhook secrets derive from. */
export const webhookRoots = async (options: { fresh: boolean } = { fresh: false }): Promise<SecretRoots> => {
  const secret = environment('webhookSecret');
  const root = await secrets().readField(secret, 'root', options);
  const { previousRoot } = await secrets().read(secret);
  return typeof previousRoot === 'string' && previousRoot !== '' ? { root, previousRoot } : { root };
};
export const webhookSecrets = once(() => new DeploymentSecrets(webhookRoots, webhookStates()));
