import type { WriteStream } from 'node:tty';
import type { LocalWatcher } from '../../local/watcher.ts';
import { clock } from '../shared/format.ts';
import { proseWidth, wrapped } from '../terminal/wrap.ts';
import { describeDelivery, describeJob } from './happenings.ts';
import { type Introduced, introduction } from './introduction.ts';

/** Tells people at a terminal what `drayage local` runs, and what happens there. */
export interface Narrator {
  watcher: LocalWatcher;
  /** A line about something else, at once. */
  tell(line: string): void;
  /** Prints the introduction, followed by what happened before it. */
  introduce(about: Introduced): void;
}

type Stream = Pick<WriteStream, 'write' | 'isTTY' | 'columns'>;

/** @param webhooks the names of the configured ones */
export function createNarrator(stream: Stream, webhooks: readonly string[]): Narrator {
  const indent = Math.max('job'.length, ...webhooks.map(({ length }) => length));
  let waiting: (() => void)[] | undefined = [];
  const write = (lines: readonly string[]) => void stream.write(lines.map((line) => `${line}\n`).join(''));
  const inTurn = (run: () => void) => {
    if (waiting) waiting.push(run);
    else run();
  };
  const happened = (who: string, what: string) => {
    const prefix = `${clock(new Date())}  ${who.padEnd(indent)}  `;
    inTurn(() => write(wrapped(prefix, what, proseWidth(stream))));
  };
  return {
    watcher: {
      // An unknown name may be anything, even a secret in the wrong place.
      delivery: (delivery) =>
        happened(webhooks.includes(delivery.name) ? delivery.name : '?', describeDelivery(delivery)),
      job: (job) => happened('job', describeJob(job)),
    },
    tell: (line) => write(wrapped('', line, proseWidth(stream))),
    introduce(about) {
      write(['', ...introduction(about, proseWidth(stream)), '']);
      for (const run of waiting ?? []) run();
      waiting = undefined;
    },
  };
}
