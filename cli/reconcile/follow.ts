import { setTimeout as sleep } from 'node:timers/promises';
import type { Requested } from '../../core/reconcile/request.ts';
import type { ReconcileState } from '../../lambda/api/reconcile.ts';
import { type ApiAddress, DrayageApi } from '../api/client.ts';
import { Patience } from '../api/follow-jobs.ts';
import { CommandError } from '../shared/command-error.ts';
import { clockOrDate, counted } from '../shared/format.ts';
import { onInterrupt } from '../shared/interruption.ts';
import { outputLost } from '../shared/output.ts';
import { createLiveLines, type Terminal } from '../terminal/live-lines.ts';

const everyMs = 1_000;
/**
 * The API may fail for this long: a comparison takes minutes, and a network can break in between.
 */
const patienceMs = 60_000;

/** What is followed. */
export interface FollowedScopes {
  requested: readonly Requested[];
  isDryRun: boolean;
  /** How long to follow it, seconds; absent: to its end. */
  timeout?: number | undefined;
  /** Whether a program reads the output: then progress is for terminals alone. */
  isQuiet: boolean;
}

/**
 * Follows comparisons, or dry runs, until all have ended.
 *
 * @returns how each ended, in the order in which they were requested
 * @throws CommandError if it takes too long, or is interrupted
 */
export async function followScopes(
  address: ApiAddress,
  { requested, isDryRun, timeout, isQuiet }: FollowedScopes,
): Promise<ReconcileState[]> {
  const until = Date.now() + (timeout ?? Number.POSITIVE_INFINITY) * 1_000;
  const interrupted = new AbortController();
  const release = onInterrupt(() => interrupted.abort());
  const signal = AbortSignal.any([interrupted.signal, outputLost]);
  const api = new DrayageApi(address, signal);
  const view = createView(process.stderr, isQuiet);
  const patience = new Patience({
    patienceMs,
    onTrouble: ({ message }) => view.tell(`${message}; trying again for ${patienceMs / 1_000} s`),
  });
  const states: (ReconcileState | undefined)[] = requested.map(() => undefined);
  const isOpen = (state: ReconcileState | undefined) =>
    state === undefined || (isDryRun ? state.isDryRunPending : state.isPending);
  try {
    for (;;) {
      await patience.with(async () => {
        for (const [index, scope] of requested.entries())
          if (isOpen(states[index])) states[index] = await api.reconcileState(scope);
      });
      const seen = states.flatMap((state) => state ?? []);
      if (!states.some(isOpen)) return seen;
      view.show(seen.filter(isOpen).map((state) => progressText(state, isDryRun)));
      if (Date.now() > until) throw goesOn(`not done within ${timeout} s`);
      await sleep(everyMs, undefined, { signal });
    }
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
    throw goesOn('interrupted');
  } finally {
    view.clear();
    release();
  }
}

function goesOn(why: string): CommandError {
  return new CommandError(`${why}; the deployment goes on`, 'see how far it is: drayage status');
}

/** What a request is about. */
export function scopeName({ registry, repository }: Requested): string {
  return repository === undefined ? registry : `${registry}/${repository}`;
}

/** How far a comparison is, in a line. */
function progressText(state: ReconcileState, isDryRun: boolean): string {
  const { closedUntil, due = 0, round, dryRun } = state;
  const name = scopeName(state);
  if (closedUntil !== undefined)
    return `${name}: the registry is not asked before ${clockOrDate(new Date(closedUntil), new Date())}`;
  if (isDryRun) {
    if (dryRun === undefined) return `${name}: begins within a minute`;
    return `${name}: ${dryRun.compared} of ${counted(dryRun.repositories, 'repository', 'repositories')} compared`;
  }
  if (due > 0) return `${name}: ${counted(due, 'repository', 'repositories')} to be compared`;
  const queued = round?.found?.queued ?? 0;
  return queued > 0 && round?.finishedAt === undefined
    ? `${name}: ${queued} queued so far`
    : `${name}: begins within a minute`;
}

interface View {
  show(lines: readonly string[]): void;
  tell(line: string): void;
  clear(): void;
}

/** On a terminal a line for each that is open; elsewhere a line when there is something new. */
function createView(stream: Terminal & { isTTY?: boolean }, isQuiet: boolean): View {
  if (stream.isTTY) {
    const live = createLiveLines(stream);
    return {
      show: (lines) => live.draw(() => lines),
      tell(line) {
        live.clear();
        stream.write(`${line}\n`);
      },
      clear: () => live.clear(),
    };
  }
  let last = '';
  return {
    show(lines) {
      // Counts change each second: only the first text and closed registries are worth a line.
      const text = lines.filter((line) => !/\d+ (?:of|repositor|queued)/.test(line)).join('\n');
      if (isQuiet || text === '' || text === last) return;
      last = text;
      stream.write(`${text}\n`);
    },
    tell: (line) => void (isQuiet || stream.write(`${line}\n`)),
    clear() {},
  };
}
