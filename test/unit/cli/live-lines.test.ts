import { describe, expect, it } from 'vitest';
import { createLiveLines, drawable } from '../../../cli/live-lines.ts';
import { FakeScreen } from '../../support/screen.ts';

describe('live lines', () => {
  it('are drawn over the last ones, also when they become fewer, and leave nothing', () => {
    const screen = new FakeScreen(20, 6);
    screen.write('before\n');
    const live = createLiveLines(screen);
    live.draw(['first', 'second', 'third']);
    expect(screen.shown).toEqual(['before', 'first', 'second', 'third']);
    live.draw(['1', '2']);
    expect(screen.shown).toEqual(['before', '1', '2']);
    live.draw(['a', 'b', 'c', 'd']);
    expect(screen.shown).toEqual(['before', 'a', 'b', 'c', 'd']);
    live.clear();
    live.clear();
    screen.write('after\n');
    expect(screen.shown).toEqual(['before', 'after']);
    expect(screen.history).toEqual([]);
  });

  it('are cut at the terminal’s width, colours and all', () => {
    const screen = new FakeScreen(10, 5);
    createLiveLines(screen).draw(['\x1b[36m0123456789abcdef\x1b[39m', 'short']);
    expect(screen.shown).toEqual(['012345678', 'short']);
  });

  it('go back over the rows that a narrower terminal has wrapped them into', () => {
    const written: string[] = [];
    const terminal = { columns: 40, rows: 10, write: (text: string) => written.push(text) > 0 };
    const live = createLiveLines(terminal);
    live.draw(['x'.repeat(30), 'short']);
    terminal.columns = 16;
    live.draw(['new']);
    expect(written.at(-1)).toBe('\x1b[3A\rnew\x1b[K\n\x1b[K\n\x1b[K\n\x1b[2A');
  });

  it('fit a terminal that does not say its size', () => {
    expect(drawable({ columns: 0, rows: 0 })).toEqual({ columns: 79, lines: 23 });
    expect(drawable({ columns: 1, rows: 1 })).toEqual({ columns: 1, lines: 1 });
  });
});
