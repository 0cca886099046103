import { createLiveLines, type Terminal } from '../terminal/live-lines.ts';

/** Says how far a plan is, on standard error. */
export interface PlanProgress {
  /** So many of all are done. @param what is done: `images read` */
  tell(done: number, all: number, what: string): void;
  /** Takes the line away. */
  stop(): void;
}

const redrawMs = 100;
/** Without a terminal a line is written this often. */
const lineMs = 5_000;

/** A line in place on a terminal; elsewhere a line now and then. */
export function planProgress(stream: Terminal & { isTTY?: boolean }): PlanProgress {
  const live = createLiveLines(stream);
  let told = Date.now();
  return {
    tell(done, all, what) {
      if (Date.now() - told < (stream.isTTY ? redrawMs : lineMs)) return;
      told = Date.now();
      const line = `${done} of ${all} ${what}`;
      if (stream.isTTY) live.draw(() => [line]);
      else stream.write(`${line}\n`);
    },
    stop() {
      if (stream.isTTY) live.clear();
    },
  };
}

/** Where a program reads, nobody watches. */
export const silentProgress: PlanProgress = { tell() {}, stop() {} };
