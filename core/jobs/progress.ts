import type { CopyEvent } from '../copy/copy.ts';
import type { CopyPlan } from '../copy/plan.ts';
import type { JobProgress } from './record.ts';

/** Follows a copy and tells its progress now and then. */
export interface ProgressReporter {
  onEvent(event: CopyEvent): void;
  /** Ends the reports; resolves when the last one that is under way has ended. */
  stop(): Promise<void>;
}

const everyMs = 1_000;

/**
 * Reports progress at once and then each second while something changes. Missing blobs alone count: a copy of nothing
 * is complete from the start. A report that fails must not fail the copy; `onFailure` is told.
 */
export function reportProgress(
  plan: CopyPlan,
  report: (progress: JobProgress) => Promise<unknown>,
  onFailure: (error: unknown) => void,
): ProgressReporter {
  const progress: JobProgress = {
    blobs: 0,
    totalBlobs: plan.missing.length,
    bytes: 0,
    totalBytes: plan.missing.reduce((sum, blob) => sum + blob.size, 0),
  };
  let changed = true;
  let underWay: Promise<unknown> = Promise.resolve();
  const tell = () => {
    if (!changed) return;
    changed = false;
    underWay = underWay.then(() => report({ ...progress })).catch(onFailure);
  };
  tell();
  const timer = setInterval(tell, everyMs);
  return {
    onEvent(event) {
      changed = true;
      if (event.type === 'bytes') progress.bytes += event.bytes;
      else if (event.type === 'restart') progress.bytes -= event.bytes;
      else if (event.type === 'end') progress.blobs += 1;
      if (event.type === 'end' && event.how === 'mounted') progress.bytes += event.blob.size;
    },
    async stop() {
      clearInterval(timer);
      tell();
      await underWay;
    },
  };
}
