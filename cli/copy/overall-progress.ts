import { counted, formatBytes } from '../shared/format.ts';
import { createLiveLines } from '../terminal/live-lines.ts';
import { BlobProgress } from './blob-progress.ts';
import type { CopyWatcher } from './context.ts';
import { drawProgress } from './draw-progress.ts';
import type { ProgressStream } from './progress.ts';

/** The progress of many images that are copied side by side. */
export interface OverallProgress extends CopyWatcher {
  /** One more image is done, or failed. */
  imageEnded(): void;
  /** Takes the drawing away, so that something else can be written; it comes back by itself. */
  clear(): void;
  /** No more images: takes the drawing away for good. */
  stop(): void;
}

const redrawMs = 100;
/** Without a terminal a line is written this often. */
const lineMs = 5_000;

/**
 * Shows how far the copy of many images is: on a terminal how many are done, a bar for each blob
 * under way and one for all; elsewhere a line now and then.
 *
 * @param noun what an image is called: `tag`, `image`
 */
export function overallProgress(stream: ProgressStream, noun: string, total: number): OverallProgress {
  const progress = new BlobProgress({ missing: [] }, Date.now());
  const live = createLiveLines(stream);
  let done = 0;
  const title = () => `${done} of ${counted(total, noun)} done`;
  const draw = () =>
    live.draw((room) =>
      drawProgress(progress, {
        ...room,
        colours: stream.hasColors?.() === true,
        title: title(),
        now: Date.now(),
      }),
    );
  const line = () => {
    const { bytes, totalBytes } = progress;
    stream.write(`${title()}, ${formatBytes(bytes)} of ${formatBytes(totalBytes)}\n`);
  };
  const timer = stream.isTTY ? setInterval(draw, redrawMs) : setInterval(line, lineMs);
  timer.unref();
  const clear = () => {
    if (stream.isTTY) live.clear();
  };
  return {
    planned: (_, plan) => progress.add(plan),
    blob: (event) => progress.take(event, Date.now()),
    blobsEnded() {},
    imageEnded() {
      done += 1;
    },
    clear,
    stop() {
      clearInterval(timer);
      clear();
    },
  };
}
