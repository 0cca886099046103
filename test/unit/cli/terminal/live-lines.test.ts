import { describe, expect, it } from 'vitest';
import { createLiveLines, drawable } from '../../../../cli/terminal/live-lines.ts';
import { FakeScreen } from '../../../support/screen.ts';

describe('live lines', () => {
  it('are drawn over the last ones, even when there are fewer, and leave nothing behind', () => {
    const screen = new FakeScreen(20, 6);
    screen.write('before\n');
    const live = createLiveLines(screen);
    live.draw(() => ['first', 'second', 'third']);
    expect(screen.shown).toEqual(['before', 'first', 'second', 'third']);
    live.draw(() => ['1', '2']);
    expect(screen.shown).toEqual(['before', '1', '2']);
    live.draw(() => ['a', 'b', 'c', 'd']);
    expect(screen.shown).toEqual(['before', 'a', 'b', 'c', 'd']);
    live.clear();
    live.clear();
    screen.write('after\n');
    expect(screen.shown).toEqual(['before', 'after']);
    expect(screen.history).toEqual([]);
  });

  it('are cut at the terminal’s width, colours and all', () => {
    const screen = new FakeScreen(10, 5);
    createLiveLines(screen).draw(() => ['\x1b[36m0123456789abcdef\x1b[39m', 'short']);
    expect(screen.shown).toEqual(['012345678', 'short']);
  });

  it('go back over the rows that a narrower terminal has wrapped them into', () => {
    const written: string[] = [];
    const terminal = { columns: 40, rows: 10, write: (text: string) => written.push(text) > 0 };
    const live = createLiveLines(terminal);
    live.draw(() => ['x'.repeat(30), 'short']);
    terminal.columns = 16;
    live.draw(() => ['new']);
    expect(written.at(-1)).toBe('\x1b[3A\rnew\x1b[K\n\x1b[K\n\x1b[K\n\x1b[2A');
  });

  it('are redrawn for another size, as often as it changes, until they are over', () => {
    const screen = new FakeScreen(40, 10);
    screen.write('before\n');
    const live = createLiveLines(screen);
    const draw = (text: string) => live.draw(({ columns }) => [`${text} ${columns}`.padEnd(columns, '.')]);
    draw('first');
    for (const columns of [16, 30, 8]) screen.resize(columns);
    expect(screen.shown).toEqual(['before', 'first 7']);
    draw('next');
    screen.resize(20);
    expect(screen.shown).toEqual(['before', 'next 19............']);
    live.keep();
    screen.write('after\n');
    screen.resize(21);
    expect(screen.shown).toEqual(['before', 'next 19............', 'after']);
    expect(screen.listenerCount('resize')).toBe(0);
    expect(screen.wrapped).toEqual([]);
  });

  it('are cut and counted by cells, not by characters', () => {
    const screen = new FakeScreen(10, 5);
    const live = createLiveLines(screen);
    live.draw(() => ['日本語日本語', 'e\u0301\u{1f600}'.repeat(4)]);
    expect(screen.wrapped).toEqual([]);
    expect(screen.shown).toEqual(['日本語日', 'e\u0301\u{1f600}'.repeat(3)]);
    screen.resize(5);
    live.clear();
    expect(screen.shown).toEqual([]);
  });

  it('fit a terminal that does not report its size', () => {
    expect(drawable({ columns: 0, rows: 0 })).toEqual({ columns: 79, lines: 23 });
    expect(drawable({ columns: 1, rows: 1 })).toEqual({ columns: 1, lines: 1 });
  });
});
