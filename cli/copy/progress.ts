import type { CopyEvent } from '../../core/copy/copy.ts';
import type { CopyPlan } from '../../core/copy/plan.ts';
import { createLiveLines } from '../terminal/live-lines.ts';
import { type BarStream, createProgressBar, type ProgressBar } from '../terminal/progress-bar.ts';
import { BlobProgress } from './blob-progress.ts';
import type { CopyWatcher, ImagePair } from './context.ts';
import { drawProgress } from './draw-progress.ts';

/** What progress is shown on. */
export type ProgressStream = BarStream;

const redrawMs = 100;

/**
 * Shows how far a copy is: on a terminal a bar for each blob under way and one for all, redrawn in
 * place and gone when it is over; elsewhere a line now and then.
 */
export function progressWatcher(stream: ProgressStream): CopyWatcher {
  return stream.isTTY ? bars(stream) : lines(stream);
}

function bars(stream: ProgressStream): CopyWatcher {
  const live = createLiveLines(stream);
  let progress: BlobProgress | undefined;
  let timer: NodeJS.Timeout | undefined;
  const draw = () => {
    if (progress === undefined) return;
    const colours = stream.hasColors?.() === true;
    const drawn = progress;
    live.draw((room) => drawProgress(drawn, { ...room, colours, now: Date.now() }));
  };
  return {
    planned(_: ImagePair, plan: CopyPlan) {
      progress = new BlobProgress(plan, Date.now());
      timer = setInterval(draw, redrawMs).unref();
    },
    blob: (event) => progress?.take(event, Date.now()),
    blobsEnded() {
      clearInterval(timer);
      live.clear();
    },
  };
}

function lines(stream: ProgressStream): CopyWatcher {
  let bar: ProgressBar | undefined;
  let progress: BlobProgress | undefined;
  return {
    planned(_: ImagePair, plan: CopyPlan) {
      progress = new BlobProgress(plan, Date.now());
      if (plan.missing.length === 0) return;
      const label = `copying ${plan.missing.length} of ${plan.blobs.length} blobs`;
      bar = createProgressBar(stream, { label, total: progress.totalBytes });
    },
    blob(event: CopyEvent) {
      progress?.take(event, Date.now());
      bar?.update(progress?.bytes ?? 0);
    },
    blobsEnded: () => bar?.stop(),
  };
}
