import { setTimeout as sleep } from 'node:timers/promises';
import { styleText } from 'node:util';
import { type ApiAddress, DrayageApi } from '../api/client.ts';
import { isTemporary } from '../api/follow-jobs.ts';
import { RequestError } from '../api/request-error.ts';
import { onInterrupt } from '../shared/interruption.ts';
import { outputLost } from '../shared/output.ts';
import type { Paint } from '../terminal/table.ts';
import { frame } from './frame.ts';
import { readTop } from './read.ts';
import { openScreen } from './screen.ts';
import { newState, type TopState, withReading, withTrouble } from './state.ts';

/**
 * Shows a deployment until the user quits.
 *
 * @throws what the first reading throws, unless it may succeed a little later
 */
export async function watchTop(address: ApiAddress, intervalMs: number): Promise<void> {
  const quit = new AbortController();
  const release = onInterrupt(() => quit.abort());
  const signal = AbortSignal.any([quit.signal, outputLost]);
  const api = new DrayageApi(address, signal);
  const screen = openScreen({ output: process.stdout, input: process.stdin, quit: () => quit.abort() });
  let state = newState(address.api);
  const draw = () => screen.draw((room) => frame(state, { ...room, now: new Date(), ...style() }));
  try {
    draw();
    for (;;) {
      state = await nextState(state, api, { intervalMs, signal });
      draw();
      const pauseMs = state.trouble === undefined ? intervalMs : state.trouble.retryAt - Date.now();
      await sleep(Math.max(0, pauseMs), undefined, { signal });
    }
  } catch (error) {
    if (!quit.signal.aborted) throw error;
  } finally {
    screen.close();
    release();
  }
}

async function nextState(
  state: TopState,
  api: DrayageApi,
  { intervalMs, signal }: { intervalMs: number; signal: AbortSignal },
): Promise<TopState> {
  try {
    const reading = await readTop(api);
    return withReading(state, reading, Date.now());
  } catch (error) {
    if (signal.aborted || !(error instanceof RequestError)) throw error;
    if (state.reading === undefined && !isTemporary(error)) throw error;
    return withTrouble(state, error.message, Date.now(), intervalMs);
  }
}

function style(): { paint: Paint; colours: boolean } {
  const colours = process.stdout.hasColors?.() === true;
  return {
    colours,
    paint: (name, text) => (colours && text !== '' ? styleText(name, text, { validateStream: false }) : text),
  };
}
