import { describe, expect, it } from 'vitest';
import { prune } from '../../../core/rewrite/yaml/prune.ts';

const isWanted = (key: string, below: string) => key === 'keep' || below.includes('image');
const rest = (text: string) => prune(text, isWanted)?.text;

describe('prune', () => {
  it('leaves out what stands below a key, and finds its way back', () => {
    const text =
      'a:\n  - b: 1\n    c: [x, {y: "z"}]\n\n  - d # e\nimage: f\ng:\n- h: |\n    # i\n    j:\n- k\nl:\n  image:\n    m: n\n    o: p\n';
    const pruned = prune(text, isWanted);
    expect(pruned?.text).toBe('a:\nimage: f\ng:\nl:\n  image:\n');
    for (const mark of ['a:', 'image: f', 'g:', 'l:'])
      expect(pruned?.at(pruned.text.indexOf(mark))).toBe(text.indexOf(mark));
    expect(pruned?.at(pruned.text.length)).toBe(text.length);
  });

  it('keeps what is wanted, and what is named', () => {
    for (const below of ['image: b', 'c: &d e', 'c: *d', 'c: "{{ d }}"', '- a\n  - image'])
      expect(rest(`a:\n  x: 1\n  y: 2\n  ${below}\n`), below).toBeUndefined();
    expect(rest('keep:\n  a: 1\n  b: 2\n  c: 3\n')).toBeUndefined();
    expect(rest('a: &x\n  a: 1\n  b: 2\n  c: 3\n')).toBeUndefined();
  });

  it('takes list items in the column of their key as its value, and in no other', () => {
    expect(rest('a:\n- b: 1\n- c: 2\n- d: 3\ne: f\n')).toBe('a:\ne: f\n');
    expect(rest('- a:\n    x: 1\n    y: 2\n    z: 3\n- image: b\n')).toBe('- a:\n- image: b\n');
    expect(rest('- a:\n  - x: 1\n  - y: 2\n  - z: 3\n- image: b\n')).toBe('- a:\n- image: b\n');
  });

  it.each([
    ['a text over lines', 'c: d\n  e\n'],
    ['a quoted text over lines', 'c: "d\n  e: f"\n'],
    ['a flow collection over lines', 'c: [\n  d]\n'],
    ['escapes', 'c: "\\x69mage"\n'],
    ['a tag', 'c: !!str d\n'],
    ['an explicit key', '? c\n: d\n'],
    ['a tab', 'c:\td\n'],
    ['another document', '...\n'],
    ['a directive', '%YAML 1.2\n'],
    ['an indentation indicator', 'c: |2\n   d\n'],
    ['a very long line', `c: ${'d'.repeat(3_000)}\n`],
  ])('touches nothing of a document with %s', (_what, line) => {
    expect(rest(`a:\n  w: 1\n  x: 2\n  y: 3\n${line}`)).toBeUndefined();
    expect(rest('a:\n  w: 1\n  x: 2\n  y: 3\nc: d\n')).toBe('a:\nc: d\n');
  });

  it.each([
    `-${' '.repeat(1_900)}!`,
    `a: ${' '.repeat(1_900)}!`,
    `a: ${'b:c '.repeat(400)}: `,
    `${'- '.repeat(900)}!`,
  ])('ends soon with a hostile line', (line) => {
    expect(rest(`a:\n  w: 1\n  x: 2\n  y: 3\n${line}\n`)).toBeUndefined();
  });
});
