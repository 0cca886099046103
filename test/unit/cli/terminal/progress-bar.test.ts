import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createProgressBar } from '../../../../cli/terminal/progress-bar.ts';
import { FakeScreen } from '../../../support/screen.ts';

describe('a bar on a terminal', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it.each([
    [80, /^copying {2}█{14}░{14} {2}50 % {2}2\.00 MB of 4\.00 MB {2}2\.00 MB\/s$/],
    [60, /^copying {2}█+░+ {2}50 % {2}2\.00 MB of 4\.00 MB {2}2\.00 MB\/s$/],
    [42, /^copying {2}█+░+ {2}50 % {2}2\.00 MB of 4\.00 MB$/],
    [30, /^copying {2}█+░+ {2}50 %$/],
    [15, /^copying {2}50 %$/],
    [6, /^copyi$/],
  ])('shows what there is room for in %i columns', (columns, expected) => {
    const screen = new FakeScreen(columns, 5);
    const bar = createProgressBar(screen, { label: 'copying', total: 4_000_000 });
    bar.update(1_000);
    vi.advanceTimersByTime(1_000);
    bar.update(2_000_000);
    expect(screen.shown).toEqual([expect.stringMatching(expected)]);
    expect(screen.wrapped).toEqual([]);
  });

  it('is redrawn for another size at once, and leaves its line at the end', () => {
    const screen = new FakeScreen(80, 5);
    const bar = createProgressBar(screen, { label: 'copying', total: 4_000_000 });
    bar.update(2_000_000);
    for (const columns of [30, 20, 50]) screen.resize(columns);
    bar.stop();
    screen.write('after\n');
    expect(screen.shown).toEqual([
      expect.stringMatching(/^copying .* 50 % {2}2\.00 MB of 4\.00 MB$/),
      'after',
    ]);
  });
});
