import { DynamoCheckpointStore } from '../../core/aws/dynamodb/checkpoint-store.ts';
import { DynamoLayerIndex } from '../../core/aws/dynamodb/layer-index.ts';
import { DynamoLayerLeases } from '../../core/aws/dynamodb/layer-leases.ts';
import { DynamoPullBudget } from '../../core/aws/dynamodb/pull-budget.ts';
import { DynamoUpstreamGate } from '../../core/aws/dynamodb/upstream-gate.ts';
import { EcrRegistry } from '../../core/aws/ecr/registry.ts';
import { SecretReader } from '../../core/aws/secrets.ts';
import { SqsLayerQueue } from '../../core/aws/sqs/layer-queue.ts';
import type { CheckpointStore } from '../../core/copy/blob/checkpoints.ts';
import type { LayerIndex } from '../../core/copy/blob/layer-index.ts';
import { StreamSpeed } from '../../core/copy/blob/time-limit.ts';
import type { FanOut, LayerLeases, LayerQueue, UpstreamGate } from '../../core/jobs/ports.ts';
import type { Notifier } from '../../core/notify/ports.ts';
import type { PullBudget } from '../../core/registry/pull-permits.ts';
import { Deployment } from './deployment.ts';
import type { VisibilityQueue } from './messages.ts';
import { countRequest } from './metrics.ts';
import { MirrorRegistry } from './mirror-registry.ts';
import { openNotifier } from './notifier.ts';
import { Upstreams } from './upstreams.ts';

/** The dependencies of the functions that copy. */
export class CopyDeployment extends Deployment {
  get layerQueue(): LayerQueue & VisibilityQueue {
    return this.once('layerQueue', () => new SqsLayerQueue(this.environment.text('DRAYAGE_LAYER_QUEUE_URL')));
  }

  get layerIndex(): LayerIndex {
    return this.once('layerIndex', () => new DynamoLayerIndex(this.table, this.region));
  }

  get layerLeases(): LayerLeases {
    return this.once('layerLeases', () => new DynamoLayerLeases(this.table));
  }

  get checkpoints(): CheckpointStore {
    return this.once('checkpoints', () => new DynamoCheckpointStore(this.table, this.region));
  }

  get upstreamGate(): UpstreamGate {
    return this.once('upstreamGate', () => new DynamoUpstreamGate(this.table));
  }

  get pullBudget(): PullBudget {
    return this.once('pullBudget', () => new DynamoPullBudget(this.table));
  }

  get secrets(): Pick<SecretReader, 'readFields'> {
    return this.once('secrets', () => new SecretReader());
  }

  /** The speed of streams into the mirror in this instance. */
  get streamSpeed(): StreamSpeed {
    return this.once('streamSpeed', () => new StreamSpeed());
  }

  /**
   * The least size, in bytes, at which several missing blobs of an image become layer jobs. It is
   * set only for the mirror function.
   */
  get fanOutBytes(): number {
    return this.environment.number('DRAYAGE_FAN_OUT_BYTES');
  }

  /** How the mirror function hands large layers out. */
  get fanOut(): FanOut {
    return { queue: this.layerQueue, leases: this.layerLeases, minBytes: this.fanOutBytes };
  }

  get upstreams(): Upstreams {
    return this.once('upstreams', () => new Upstreams(this));
  }

  get mirror(): MirrorRegistry {
    return this.once('mirror', () => {
      const { region, config, checkpoints, mappings } = this;
      const onCreated = (repository: string) => this.onCreated(repository);
      const registry = new EcrRegistry(region, config.mirror.repository, {
        checkpoints,
        onCreated,
        onRequest: countRequest,
      });
      return new MirrorRegistry(registry, mappings);
    });
  }

  /** Is told about each mirror repository that was created. */
  protected onCreated(_repository: string): void {}

  get notifier(): Notifier {
    return this.once('notifier', openNotifier);
  }

  /** How long a message stays hidden after its function's last renewal, seconds. */
  get holdSeconds(): number | undefined {
    return this.environment.optionalNumber('DRAYAGE_HOLD_SECONDS');
  }
}
