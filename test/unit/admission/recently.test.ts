import { describe, expect, it } from 'vitest';
import { choiceSegment, choiceSegments, parseChoice } from '../../../core/admission/choice.ts';
import { jsonPointer } from '../../../core/admission/json-patch.ts';
import { RecentlyAsked } from '../../../core/admission/recently.ts';

describe('images that were asked for', () => {
  it('are asked for again after ten minutes, or if that has failed', () => {
    let now = 0;
    const recently = new RecentlyAsked(() => now);
    expect(recently.take(['a', 'b'])).toEqual(['a', 'b']);
    now = 599_999;
    expect(recently.take(['a', 'c'])).toEqual(['c']);
    recently.forget(['c']);
    expect(recently.take(['c'])).toEqual(['c']);
    now = 600_000;
    expect(recently.take(['a', 'b', 'c'])).toEqual(['a', 'b']);
  });

  it('are remembered up to a limit, the oldest forgotten first', () => {
    const recently = new RecentlyAsked(() => 0);
    recently.take(['first', ...Array.from({ length: 10_000 }, (_, at) => `${at}`)]);
    expect(recently.take(['first', '9999'])).toEqual(['first']);
  });
});

describe('a choice in a path', () => {
  it('is read as it was written, and nothing else is', () => {
    expect(choiceSegments).toHaveLength(8);
    for (const segment of choiceSegments) {
      const choice = parseChoice(segment);
      expect(choice && choiceSegment(choice)).toBe(segment);
    }
    for (const other of ['', 'tags', '-tags', 'KEEP', 'keep-tags-tags', 'constructor'])
      expect(parseChoice(other)).toBeUndefined();
  });
});

describe('a JSON Pointer', () => {
  it('escapes names', () => {
    expect(jsonPointer('a/b~c', 0, '~1')).toBe('/a~1b~0c/0/~01');
  });
});
