import { type BlobOutcome, type CopyEvent, copyBlob } from '../../copy/blob/copy-blob.ts';
import type { LayerIndex } from '../../copy/blob/layer-index.ts';
import { indexedMounts } from '../../copy/blob/mount-sources.ts';
import type { TimeLimit } from '../../copy/blob/time-limit.ts';
import type { ImageDestination, ImageSource } from '../../copy/ports.ts';
import type { LayerBlob } from '../record.ts';

export interface CarryOptions {
  /** Where the layer may be mounted from. */
  index: LayerIndex;
  /** Until when; a layer that can't make it goes in parts. */
  timeLimit?: TimeLimit | undefined;
  signal: AbortSignal;
  onEvent: (event: CopyEvent) => void;
  warn(message: string, error: unknown): void;
}

/** Sees that a mirror repository has one layer, and tells how it came there. @param repository its name in the registry. */
export async function carryLayer(
  source: ImageSource,
  destination: ImageDestination,
  repository: string,
  layer: LayerBlob,
  { index, timeLimit, signal, onEvent, warn }: CarryOptions,
): Promise<BlobOutcome> {
  const mounts = await indexedMounts(index, repository, [layer], warn, { signal });
  return await copyBlob(source, destination, layer, { mounts, timeLimit, signal, onEvent });
}
