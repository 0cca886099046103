import { writeSync } from 'node:fs';
import type { ReadStream, WriteStream } from 'node:tty';
import { drawable, type Room } from '../terminal/live-lines.ts';

/** The whole of a terminal, until it is closed. */
export interface Screen {
  /** Draws the lines that fit, and again when the terminal's size changes. */
  draw(render: (room: Room) => readonly string[]): void;
  /** Gives the terminal back as it was. */
  close(): void;
}

/** The terminal, and what to do when its user quits. */
export interface ScreenOptions {
  output: WriteStream & { fd: number };
  /** Not read if it is not a terminal. */
  input: ReadStream;
  quit(): void;
}

/**
 * The alternate buffer, without a cursor: the terminal keeps what was on the screen.
 * https://invisible-island.net/xterm/ctlseqs/ctlseqs.html (DECSET 1049 and 25)
 */
const enter = '\x1b[?1049h\x1b[?25l';
const leave = '\x1b[?25h\x1b[?1049l';
/** q, Ctrl-C and Ctrl-D: in raw mode, the latter two are keys like any other. */
const quitKeys = ['q', 'Q', '\x03', '\x04'];

/** Takes the terminal. It is given back even if the process ends without `close`. */
export function openScreen({ output, input, quit }: ScreenOptions): Screen {
  let render: ((room: Room) => readonly string[]) | undefined;
  const redraw = () => {
    if (render === undefined) return;
    // One write, and no line is cleared before it is drawn: nothing flickers.
    const lines = render(drawable(output)).map((line) => `${line}\x1b[K\r\n`);
    output.write(`\x1b[H${lines.join('')}\x1b[J`);
  };
  const onKey = (data: Buffer) => {
    if (quitKeys.some((key) => data.includes(key))) quit();
  };
  const onExit = () => {
    try {
      writeSync(output.fd, leave);
    } catch {
      // The terminal is gone.
    }
  };
  process.once('exit', onExit);
  output.write(enter);
  output.on('resize', redraw);
  const hasKeys = input.isTTY === true;
  if (hasKeys) {
    input.setRawMode(true);
    input.on('data', onKey);
    input.resume();
  }
  return {
    draw(wanted) {
      render = wanted;
      redraw();
    },
    close() {
      render = undefined;
      output.off('resize', redraw);
      process.off('exit', onExit);
      if (hasKeys) {
        input.off('data', onKey);
        input.setRawMode(false);
        input.pause();
      }
      output.write(leave);
    },
  };
}
