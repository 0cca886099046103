import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Config } from '../core/config/config.ts';
import { asksForScans } from '../core/policy/asks-for-scans.ts';
import { isLiteral } from '../core/reconcile/coverage.ts';
import type { DeploymentSecrets } from './deployment-secrets.ts';
import { grantEvents } from './event-bus.ts';
import type { LayerQueue } from './layer-queue.ts';
import type { MirrorFunctions } from './mirror-functions.ts';
import type { MirrorQueue } from './mirror-queue.ts';
import type { MirrorTable } from './mirror-table.ts';
import {
  grantMirrorAccess,
  grantMirrorLook,
  grantMirrorScans,
  grantMirrorSettings,
  grantRepositoryList,
  layerActions,
  mirrorActions,
} from './registry-access.ts';
import { grantSigningKeys } from './signing-keys.ts';
import type { SnapshotBucket } from './snapshot-bucket.ts';
import { grantUpstreamCredentials } from './upstream-credentials.ts';

/**
 * The table's items that the webhook function reads and writes: `core/aws/dynamodb/table.ts` lists
 * them.
 */
const webhookItems = { keys: ['jobs#*', 'parked#*', 'webhooks'] };
/** Which version the items have: read before the first write (`core/aws/dynamodb/schema`). */
const schemaItem = { keys: ['schema'] };
/**
 * The table's items that the registry-events function reads to see what is mapped, and writes to
 * remove mappings and to record jobs.
 */
const mappedItems = { keys: ['repo#*', 'mirrors', 'registries', 'schema'] };
const removalItems = { keys: ['repo#*', 'history#*', 'snapshot', 'jobs#*', 'parked#*'] };
/** Which jobs wait for which scan, and whether they still do. */
const awaitedScans = { keys: ['scans#*', 'jobs#*'] };
/**
 * A tag's item also holds its mapping: only the count of its events is changed, and nothing else is
 * returned.
 */
const countedTags = { keys: ['repo#*'], attributes: ['events', 'lastJob'] };

/** When upstreams are compared with the mirror. */
const roundItems = { keys: ['reconcile', 'reconcile#*'] };

/** What lists of mappings are made of, and how often they have changed. */
const listedItems = { keys: ['repo#*', 'repos', 'registries', 'snapshot'] };

/** Who gets permissions, and on what. */
export interface MirrorPermissions {
  readonly functions: MirrorFunctions;
  readonly table: MirrorTable;
  readonly queue: MirrorQueue;
  readonly layerQueue: LayerQueue;
  readonly secrets: DeploymentSecrets;
  readonly snapshots: SnapshotBucket;
}

/** Gives each function of {@link MirrorFunctions} what it needs, and nothing else. */
export function grantPermissions(permissions: MirrorPermissions, config: Config): void {
  const { functions, table, secrets, snapshots } = permissions;
  const { webhook, mirror, layer, api, schedule, reconcile, snapshot } = functions;
  const registryEvents = functions['registry-events'];
  grantTable(permissions);
  grantRegistryEvents(permissions);
  if (asksForScans(config)) {
    grantMirrorScans(mirror, mirror.function, config.mirror);
    table.grantItems(registryEvents.function, awaitedScans, 'GetItem');
  }
  grantQueues(permissions);
  snapshots.grantWrite(snapshot.function);
  snapshots.grantExport(api, api.function);
  secrets.webhooks.grantRead(webhook.function);
  secrets.webhooks.grantRead(api.function);
  secrets.api.grantRead(api.function);
  grantMirrorAccess(mirror, mirror.function, config.mirror, mirrorActions);
  grantMirrorSettings(mirror, mirror.function, config.mirror);
  grantSigningKeys(mirror, mirror.function, config);
  grantMirrorAccess(layer, layer.function, config.mirror, layerActions);
  grantMirrorLook(registryEvents, registryEvents.function, config.mirror);
  // A mapping was removed.
  grantEvents(registryEvents, registryEvents.function);
  // A job crashed too often.
  grantEvents(schedule, schedule.function);
  grantMirrorLook(reconcile, reconcile.function, config.mirror);
  grantMirrorSettings(reconcile, reconcile.function, config.mirror);
  const hasPatterns = config.upstreams.some(({ repositories }) => !repositories.every(isLiteral));
  if (hasPatterns) grantRepositoryList(reconcile, reconcile.function);
  grantEvents(reconcile, reconcile.function);
  grantUpstreamCredentials(reconcile, reconcile.function, config);
  // A rollback is accepted only if the mirror still holds the image.
  grantMirrorLook(api, api.function, config.mirror);
  for (const copier of [mirror, layer]) {
    grantUpstreamCredentials(copier, copier.function, config);
    // An image was mirrored, or failed: a layer that fails for good fails its image.
    grantEvents(copier, copier.function);
  }
}

function grantTable({ functions, table }: MirrorPermissions): void {
  const { webhook, mirror, layer, api, schedule, reconcile, snapshot } = lambdas(functions);
  // It accepts requests from the internet. It may read how often a secret was rotated, record and
  // park jobs, and count the events of a tag. Mappings and everything else are out of its reach.
  table.grantItems(webhook, webhookItems, 'GetItem', 'PutItem', 'UpdateItem');
  table.grantItems(webhook, countedTags, 'UpdateItem');
  table.grantItems(webhook, schemaItem, 'GetItem');
  // Leases, publishing, the record of its job, the layer index, checkpoints of multipart uploads,
  // and whether a tag still points to a digest.
  table.grant(mirror, 'GetItem', 'BatchGetItem', 'Query', 'PutItem', 'UpdateItem', 'DeleteItem');
  // The record and progress of its job, the layer's lease, the layer index, and checkpoints.
  table.grant(layer, 'GetItem', 'BatchGetItem', 'PutItem', 'UpdateItem', 'DeleteItem');
  // Reading, and recording the jobs that are requested.
  table.grant(api, 'GetItem', 'BatchGetItem', 'Query', 'PutItem', 'UpdateItem');
  // Taking parked jobs that are due, and watching those that are not finished; recording what
  // crashed too often; counting what waits.
  table.grant(schedule, 'GetItem', 'BatchGetItem', 'Query', 'PutItem', 'UpdateItem', 'DeleteItem');
  // Reading mappings, removing those of lost images, recording jobs, and what is due when.
  table.grant(reconcile, 'GetItem', 'Query', 'PutItem', 'UpdateItem');
  table.grantItems(reconcile, roundItems, 'DeleteItem');
  table.grantItems(snapshot, listedItems, 'GetItem', 'BatchGetItem', 'Query');
}

function grantRegistryEvents({ functions, table }: MirrorPermissions): void {
  const grantee = functions['registry-events'].function;
  table.grantItems(grantee, mappedItems, 'GetItem', 'BatchGetItem', 'Query');
  table.grantItems(grantee, removalItems, 'PutItem', 'UpdateItem');
}

function grantQueues({ functions, queue, layerQueue }: MirrorPermissions): void {
  const { webhook, mirror, layer, api, schedule, reconcile, ...others } = lambdas(functions);
  // The layer function wakes a job after copying its last layer.
  const senders = [webhook, mirror, layer, api, schedule, reconcile, others['registry-events']];
  for (const sender of senders) queue.queue.grantSendMessages(sender);
  // It also requeues a layer that did not fit into one invocation.
  for (const sender of [mirror, layer]) layerQueue.queue.grantSendMessages(sender);
  for (const { deadLetterQueue } of [queue, layerQueue])
    deadLetterQueue.grant(schedule, 'sqs:ReceiveMessage', 'sqs:DeleteMessage');
}

function lambdas(functions: MirrorFunctions): Record<keyof MirrorFunctions, IFunction> {
  const all = Object.entries(functions).map(([name, made]) => [name, made.function]);
  return Object.fromEntries(all);
}
