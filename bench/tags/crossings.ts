import type { Digest } from '../../core/oci/digest.ts';
import type { TagsRun } from './run.ts';

/** How often the layers of a corpus were read from the upstream. */
export interface Crossings {
  reads: number;
  /** How often the most-read layer was read. */
  most: number;
}

/** How often a run read some layers. */
export function crossingsOf({ upstream }: TagsRun, layers: Set<Digest>): Crossings {
  const reads = [...layers].map((digest) => upstream.blobReads[digest] ?? 0);
  return { reads: reads.reduce((sum, each) => sum + each, 0), most: Math.max(...reads) };
}

/** @throws unless a run into an empty mirror read each layer once */
export function checkCrossings(run: TagsRun, layers: Set<Digest>): void {
  const { reads, most } = crossingsOf(run, layers);
  if (reads !== layers.size || most !== 1)
    throw new Error(`${layers.size} layers were read ${reads} times, one of them ${most} times`);
}
