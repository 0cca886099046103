import { DynamoLayerIndex } from '../../core/aws/dynamodb/layer-index.ts';
import { DynamoLayerLeases } from '../../core/aws/dynamodb/layer-leases.ts';
import { DynamoUpstreamGate } from '../../core/aws/dynamodb/upstream-gate.ts';
import type { LayerDependencies, ProcessedLayer } from '../../core/jobs/layers/layer-job.ts';
import { processLayer } from '../../core/jobs/layers/process-layer.ts';
import type { LayerMessage, LayerQueue } from '../../core/jobs/ports.ts';
import { newJobId } from '../../core/jobs/record.ts';
import type { ImageKey } from '../../core/mapping/record.ts';
import { MirrorJobs } from './mirror-jobs.ts';
import type { SeededImage } from './seeded-image.ts';

/** A layer queue that remembers its messages, and can be switched off. */
export class MemoryLayerQueue implements LayerQueue {
  sent: LayerMessage[] = [];
  refuses = false;

  async send(messages: LayerMessage[]): Promise<{ message: LayerMessage; reason: string }[]> {
    if (this.refuses) return messages.map((message) => ({ message, reason: 'switched off' }));
    this.sent.push(...messages);
    return [];
  }
}

/** What a layer job works with, besides what its mirror job uses. */
export class LayerJobs {
  readonly mirror: MirrorJobs;
  readonly layerQueue = new MemoryLayerQueue();
  readonly leases: DynamoLayerLeases;
  readonly layerIndex: DynamoLayerIndex;

  private constructor(mirror: MirrorJobs) {
    this.mirror = mirror;
    this.leases = new DynamoLayerLeases(mirror.stores.table);
    this.layerIndex = new DynamoLayerIndex(mirror.stores.table, 'eu-west-1');
  }

  static async start(): Promise<LayerJobs> {
    return new LayerJobs(await MirrorJobs.start());
  }

  reset(): void {
    this.mirror.reset();
    this.layerQueue.sent = [];
    this.layerQueue.refuses = false;
  }

  /** A mirror job that has begun, and a message for each layer of its image. */
  async fannedOut(image: SeededImage): Promise<{ key: ImageKey; job: string; messages: LayerMessage[] }> {
    const { mirror } = this;
    const key = mirror.key();
    mirror.push(key, image);
    const { job } = await mirror.job(key);
    await mirror.stores.jobs.begin(job, mirror.now.toISOString());
    const totalBytes = image.layers.reduce((sum, { size }) => sum + size, 0);
    const progress = { blobs: 0, totalBlobs: image.layers.length, bytes: 0, totalBytes };
    await mirror.stores.jobs.update(job, { progress });
    const layers = image.layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size }));
    return { key, job, messages: layers.map((layer) => ({ job, layer, layers })) };
  }

  dependencies(changes: Partial<LayerDependencies> = {}): LayerDependencies {
    const { stores } = this.mirror;
    return {
      ...this.mirror.dependencies(),
      layerQueue: this.layerQueue,
      leases: this.leases,
      layerIndex: this.layerIndex,
      // Nothing from the last run is trusted, as in a new instance.
      gate: new DynamoUpstreamGate(stores.table),
      ...changes,
    };
  }

  run(
    message: LayerMessage | undefined,
    changes: Partial<LayerDependencies> = {},
    signal: AbortSignal = new AbortController().signal,
  ): Promise<ProcessedLayer> {
    if (!message) throw new Error('the image has no such layer');
    return processLayer(message, this.dependencies(changes), signal);
  }

  /** The jobs that were woken, in order. */
  get woken(): string[] {
    return this.mirror.queue.sent.map(({ body }) => body.job);
  }

  async close(): Promise<void> {
    await this.mirror.close();
  }
}

/** A layer message of an unknown job. */
export function unknownJob(message: LayerMessage | undefined): LayerMessage {
  if (!message) throw new Error('the image has no such layer');
  return { ...message, job: newJobId() };
}
