import type { CopyEvent } from '../../copy/copy.ts';
import type { JobProgress } from '../record.ts';

/** Follows one layer and regularly adds to its job's progress. */
export interface LayerProgressReporter {
  onEvent(event: CopyEvent): void;
  /**
   * Ends the reports; resolves when the last one has ended. If the layer was not carried to its
   * end, its reports are taken back: the next worker starts again, or counts the recorded progress.
   */
  stop(carried: boolean): Promise<void>;
}

const everyMs = 1_000;

/**
 * Adds to the progress each second while something changes. A report that fails must not fail the
 * copy: `onFailure` is called, and its numbers go into the next report.
 */
export function reportLayerProgress(
  report: (more: Pick<JobProgress, 'blobs' | 'bytes'>) => Promise<unknown>,
  onFailure: (error: unknown) => void,
): LayerProgressReporter {
  const now = { blobs: 0, bytes: 0 };
  const reported = { blobs: 0, bytes: 0 };
  const tell = async () => {
    const more = { blobs: now.blobs - reported.blobs, bytes: now.bytes - reported.bytes };
    if (more.blobs === 0 && more.bytes === 0) return;
    try {
      await report(more);
      reported.blobs += more.blobs;
      reported.bytes += more.bytes;
    } catch (error) {
      onFailure(error);
    }
  };
  let underWay: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    underWay = underWay.then(tell);
  }, everyMs);
  return {
    onEvent(event) {
      if (event.type === 'bytes') now.bytes += event.bytes;
      else if (event.type === 'restart') now.bytes -= event.bytes;
      else if (event.type === 'end') now.blobs += 1;
      if (event.type === 'end' && event.how !== 'copied') now.bytes += event.blob.size;
    },
    async stop(carried) {
      clearInterval(timer);
      if (!carried) Object.assign(now, { blobs: 0, bytes: 0 });
      underWay = underWay.then(tell);
      await underWay;
    },
  };
}
