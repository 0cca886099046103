import { describe, expect, it } from 'vitest';
import { createScreen, type ScreenStream } from '../../cli/demo/screen.ts';
import { percent } from '../../cli/demo/summary.ts';
import { formatTable } from '../../cli/terminal/table.ts';
import { FakeScreen } from '../support/screen.ts';

/** A stream that remembers; with or without colours, a terminal or not. */
function fakeStream(kind: { isTTY?: boolean; colours?: boolean; columns?: number } = {}) {
  const stream = {
    text: '',
    isTTY: kind.isTTY ?? false,
    columns: kind.columns ?? 100,
    rows: 24,
    hasColors: () => kind.colours ?? false,
    write(text: Uint8Array | string) {
      stream.text += text;
      return true;
    },
  };
  return stream satisfies ScreenStream;
}

const esc = '\x1b';

describe('a step', () => {
  it('is one plain line with its time at the right, then its rows, if there is no terminal', async () => {
    const stream = fakeStream({ colours: true });
    const screen = createScreen(stream);
    const result = await screen.step('Do it', async (step) => {
      expect(stream.text).toBe('');
      step.rows([['what', { text: 'done', style: 'green' }]]);
      return 7;
    });
    expect(result).toBe(7);
    const [title = '', ...rest] = stream.text.split('\n');
    expect(title).toMatch(/^ 1 {2}Do it +\d+ ms$/);
    expect(title).toHaveLength(96);
    expect(rest).toEqual(['    what  done', '', '']);
  });

  it('shows its title at once on a terminal, and draws the line again with the time', async () => {
    const terminal = new FakeScreen(100, 10);
    await createScreen(terminal).step('Do it', async () => {
      expect(terminal.shown).toEqual([' 1  Do it']);
    });
    expect(terminal.shown).toEqual([expect.stringMatching(/^ 1 {2}Do it +\d+ ms$/)]);
    const stream = fakeStream({ isTTY: true, colours: true });
    await createScreen(stream).step('Do it', async () => {});
    expect(stream.text).toContain(`${esc}[1mDo it${esc}[22m`);
  });

  it.each([80, 40, 12])('appears once on a terminal of %i columns, whatever its title', async (columns) => {
    const terminal = new FakeScreen(columns, 24);
    const title = 'Change one file, app/package.json; build and push 2.0';
    await createScreen(terminal).step(title, async (step) => {
      terminal.resize(columns - 1);
      step.rows([['digest', `sha256:${'0'.repeat(64)}`]]);
    });
    const text = terminal.shown.join('').replaceAll(/\s/g, '');
    expect(text).toMatch(/^1Changeonefile,app\/package.json;buildandpush2.0\d+msdigestsha256:0+…?$/);
    expect(terminal.wrapped).toEqual([]);
  });

  it('uses no colours on a terminal that wants none', async () => {
    const stream = fakeStream({ isTTY: true });
    const screen = createScreen(stream);
    await screen.step('Do it', async (step) => step.rows([[{ text: 'green', style: 'green' }]]));
    expect(stream.text).not.toMatch(/\[\d+m/);
    expect(screen.paint('red', 'stop')).toBe('stop');
  });

  it('lets something live stand between title and rows, on a terminal and elsewhere', async () => {
    const [terminal, pipe] = [new FakeScreen(80, 10), fakeStream()];
    for (const stream of [terminal, pipe]) {
      await createScreen(stream).step('Follow', async (step) => {
        step.live();
        stream.write('bar\n');
        step.rows([['after']]);
      });
    }
    expect(terminal.shown).toEqual([' 1  Follow', 'bar', '    after']);
    expect(pipe.text).toBe(' 1  Follow\nbar\n    after\n\n');
  });

  it('ends its line when it fails, and passes the error on', async () => {
    const [terminal, pipe] = [new FakeScreen(100, 10), fakeStream()];
    for (const stream of [terminal, pipe]) {
      const failing = createScreen(stream).step('Try', async () => {
        throw new Error('broken');
      });
      await expect(failing).rejects.toThrow('broken');
    }
    expect(terminal.shown).toEqual([expect.stringMatching(/^ 1 {2}Try +not finished$/)]);
    expect(pipe.text).toMatch(/^ 1 {2}Try +not finished\n\n$/);
  });

  it('keeps its times within a narrow terminal', async () => {
    const terminal = new FakeScreen(40, 10);
    await createScreen(terminal).step('Do it', async () => {});
    expect(terminal.shown[0]).toHaveLength(39);
  });

  it('has the next number', async () => {
    const stream = fakeStream();
    const screen = createScreen(stream);
    for (const title of ['One', 'Two']) await screen.step(title, async () => {});
    expect(stream.text).toMatch(/^ 1 {2}One .*\n\n 2 {2}Two /);
  });
});

describe('a table', () => {
  it('aligns columns by what is seen, and ends lines at their last letter', () => {
    const paint = (style: string, text: string) => `<${style}>${text}</${style}>`;
    const rows = [
      [{ text: 'a', style: 'dim' as const }, '1', 'x'],
      ['bcd', { text: '23', style: 'green' as const }, ''],
      ['stands alone'],
    ];
    expect(formatTable(rows, { align: 'lr', paint })).toEqual([
      '<dim>a</dim>     1  x',
      'bcd  <green>23</green>',
      'stands alone',
    ]);
  });
});

describe('a percentage', () => {
  it.each([
    [0, 10, '0 %'],
    [1, 3, '33.3 %'],
    [999_999, 1_000_000, '99.9 %'],
    [10, 10, '100 %'],
    [0, 0, '0 %'],
    [-1, 10, '0 %'],
  ])('of %d in %d is %s', (part, whole, expected) => expect(percent(part, whole)).toBe(expected));
});
