import { amountOf } from '../../core/copy/amount.ts';
import type { CopyEvent } from '../../core/copy/copy.ts';
import { type ForeignLayers, reportForeignLayers } from '../../core/copy/foreign-layers.ts';
import type { CopyPlan } from '../../core/copy/plan.ts';
import type { Amount, Transfer } from '../../core/copy/ports.ts';
import type { ReferrersSummary } from '../../core/copy/referrers/referrers.ts';
import { formatReference } from '../../core/oci/reference.ts';
import type { CopyWatcher, ImagePair } from './context.ts';
import type { Failure } from './explain.ts';

/** A line of `drayage copy --events`: docs/copy.md tells them to those who read them. */
export type EventLine =
  | {
      event: 'plan';
      source: string;
      destination: string;
      sourceDigest: string;
      digest: string;
      mediaType: string;
      /** All of the image's blobs, and those of which the destination was seen to have them. */
      blobs: Amount;
      present: Amount;
      /** Layers that are not in the source's registry and are left out. */
      foreign?: ForeignLayers;
    }
  | {
      event: 'blob';
      /** The image that it is copied for: several are under way at once with `--all-tags`. */
      destination: string;
      digest: string;
      sizeBytes: number;
      mediaType: string;
      state: 'started' | 'restarted' | 'copied' | 'mounted' | 'present';
      /** Of one that was begun anew: why. */
      message?: string;
    }
  /** Now and then while blobs travel: how much of what was not present is there. */
  | {
      event: 'progress';
      destination: string;
      bytes: number;
      totalBytes: number;
      blobs: number;
      totalBlobs: number;
    }
  | {
      event: 'image';
      source: string;
      destination: string;
      digest: string;
      outcome: 'copied' | 'equal';
      transfer?: Transfer;
      foreign?: ForeignLayers;
      referrers?: ReferrersSummary;
      durationMs?: number;
    }
  | { event: 'failed'; source: string; destination: string; error: Failure }
  | { event: 'done'; copied: number; equal: number; failed: number; skipped: number; durationMs: number };

const progressMs = 1_000;

/** Tells a program of the copy, a line of JSON an event. */
export function eventWatcher(write: (line: EventLine) => void, now: () => number = Date.now): CopyWatcher {
  let count = { bytes: 0, totalBytes: 0, blobs: 0, totalBlobs: 0 };
  let told = 0;
  let destination = '';
  const progress = () => {
    told = now();
    write({ event: 'progress', destination, ...count });
  };
  return {
    planned({ src, dst }: ImagePair, { source, root, blobs, present, missing, foreign: left }: CopyPlan) {
      const foreign = reportForeignLayers(left);
      destination = formatReference(dst);
      const { bytes } = amountOf(missing);
      count = { bytes: 0, totalBytes: bytes, blobs: 0, totalBlobs: missing.length };
      told = now();
      write({
        event: 'plan',
        source: formatReference(src),
        destination,
        sourceDigest: source.digest,
        digest: root.digest,
        mediaType: root.mediaType,
        blobs: amountOf(blobs),
        present: amountOf(present),
        ...(foreign && { foreign }),
      });
    },
    blob(event: CopyEvent) {
      if (event.type === 'bytes') count.bytes += event.bytes;
      if (event.type === 'restart') count.bytes -= event.bytes;
      if (event.type === 'end') {
        count.blobs += 1;
        if (event.how !== 'copied') count.bytes += event.blob.size;
      }
      if (event.type !== 'bytes') write(blobLine(destination, event));
      if (now() - told >= progressMs) progress();
    },
    blobsEnded() {
      if (count.totalBlobs > 0) progress();
    },
  };
}

function blobLine(destination: string, event: Exclude<CopyEvent, { type: 'bytes' }>): EventLine {
  const { digest, size, mediaType } = event.blob;
  const blob = { event: 'blob', destination, digest, sizeBytes: size, mediaType } as const;
  if (event.type === 'start') return { ...blob, state: 'started' };
  if (event.type === 'end') return { ...blob, state: event.how };
  const message = event.error instanceof Error ? event.error.message : String(event.error);
  return { ...blob, state: 'restarted', message };
}
