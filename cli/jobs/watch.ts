import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from '../api/client.ts';
import { RequestError } from '../api/request-error.ts';
import { clock } from '../shared/format.ts';
import { onInterrupt } from '../shared/interruption.ts';
import { outputLost } from '../shared/output.ts';
import { createLiveLines } from '../terminal/live-lines.ts';
import { jobsTable } from './describe.ts';
import { stateText } from './detail.ts';
import { jobLine, printLine } from './follow.ts';

const everyMs = 2_000;

/** Shows a list each time that it was read. */
interface Watcher {
  show(jobs: readonly Job[]): void;
  /** The list could not be read. */
  trouble(error: RequestError): void;
  end(): void;
}

/**
 * Shows jobs while they change, until Ctrl-C: on a terminal as a table that is redrawn, elsewhere a
 * line for each change.
 *
 * @throws what the first reading throws; later failures are shown, and it is tried again
 */
export async function watchJobs(
  read: (signal: AbortSignal) => Promise<Job[]>,
  { json }: { json: boolean },
): Promise<void> {
  const interrupted = new AbortController();
  const release = onInterrupt(() => interrupted.abort());
  const signal = AbortSignal.any([interrupted.signal, outputLost]);
  const watcher = json || !process.stdout.isTTY ? changes(json) : table();
  let isFirst = true;
  try {
    for (;;) {
      try {
        watcher.show(await read(signal));
      } catch (error) {
        if (isFirst || signal.aborted || !(error instanceof RequestError)) throw error;
        watcher.trouble(error);
      }
      isFirst = false;
      await sleep(everyMs, undefined, { signal });
    }
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
  } finally {
    watcher.end();
    release();
  }
}

function table(): Watcher {
  const live = createLiveLines(process.stdout);
  let shown: readonly Job[] = [];
  let note = '';
  const draw = () =>
    live.draw(({ lines }) => {
      const rows = shown.length === 0 ? ['no such jobs yet'] : jobsTable(shown, process.stdout);
      return [...rows.slice(0, Math.max(1, lines - 2)), '', note];
    });
  return {
    show(jobs) {
      shown = jobs;
      note = `at ${clock(new Date())}; Ctrl-C ends this`;
      draw();
    },
    trouble({ message }) {
      note = `${message}; trying again`;
      draw();
    },
    end: () => live.keep(),
  };
}

/** The jobs of the first list, and then each that is new or has another state. */
function changes(json: boolean): Watcher {
  let told = new Map<string, string>();
  let isFailing = false;
  return {
    show(jobs) {
      isFailing = false;
      for (const job of jobs.toReversed()) {
        const state = stateText(job);
        if (told.get(job.id) === state) continue;
        if (json) process.stdout.write(`${JSON.stringify(job)}\n`);
        else printLine(`${clock(new Date())}  ${jobLine(job)}`);
      }
      told = new Map(jobs.map((job) => [job.id, stateText(job)]));
    },
    trouble({ message }) {
      if (!isFailing) process.stderr.write(`${message}; trying again\n`);
      isFailing = true;
    },
    end() {},
  };
}
