import { fittedLine } from '../terminal/digests.ts';
import { lineWidth } from '../terminal/wrap.ts';
import type { CopyWatcher } from './context.ts';
import { type EventLine, eventWatcher } from './events.ts';
import type { CopyFlags } from './flags.ts';
import { type OverallProgress, overallProgress } from './overall-progress.ts';
import { progressWatcher } from './progress.ts';

/**
 * Where `drayage copy` reports what it does: results on standard output, progress on standard
 * error. Text for people is in lines that fit a terminal.
 */
export interface CopyOutput {
  /** The progress of many images. @param noun what one is called: `tag`, `image` */
  overall(noun: string, total: number): OverallProgress;
  /**
   * Receives what happens during an image's copy.
   *
   * @param progress of all images, where there are several
   */
  watcher(progress?: OverallProgress): CopyWatcher;
  /** A line for programs, if they want more than the result. */
  event(line: EventLine): void;
  /** Text for people, where no program reads. */
  text(text: string): void;
  /** The result: one line of JSON, or its text. */
  result(report: object, text: string): void;
}

/**
 * Standard output and error as the flags want them; progress is drawn on a terminal, and left out
 * where a program reads a pipe.
 */
export function createOutput({ json, events }: Pick<CopyFlags, 'json' | 'events'>): CopyOutput {
  const forPrograms = json || events;
  const isQuiet = forPrograms && !process.stderr.isTTY;
  let overall: OverallProgress | undefined;
  const write = (text: string) => {
    overall?.clear();
    const width = lineWidth(process.stdout);
    const lines = text.split('\n').flatMap((each) => fittedLine(each, width));
    process.stdout.write(lines.join('\n'));
  };
  const line = (value: object) => {
    if (process.stdout.isTTY) overall?.clear();
    process.stdout.write(`${JSON.stringify(value)}\n`);
  };
  const event = (told: EventLine) => {
    if (events) line(told);
  };
  return {
    overall(noun, total) {
      overall = isQuiet ? silent : overallProgress(process.stderr, noun, total);
      return overall;
    },
    watcher(progress) {
      const watchers = [
        ...(isQuiet ? [] : [progress ?? progressWatcher(process.stderr)]),
        ...(events ? [eventWatcher(event)] : []),
      ];
      return {
        planned(pair, plan) {
          for (const watcher of watchers) watcher.planned(pair, plan);
        },
        blob(told) {
          for (const watcher of watchers) watcher.blob(told);
        },
        blobsEnded() {
          for (const watcher of watchers) watcher.blobsEnded();
        },
      };
    },
    event,
    text(text) {
      if (!forPrograms) write(text);
    },
    result(report, text) {
      if (forPrograms) line(report);
      else write(text);
    },
  };
}

/** Where a program reads a pipe, nobody watches. */
const silent: OverallProgress = {
  planned() {},
  blob() {},
  blobsEnded() {},
  imageEnded() {},
  clear() {},
  stop() {},
};
