import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { TagBudget } from '../../../core/reconcile/tag-budget.ts';

const { signal } = new AbortController();

describe('the tags that comparisons hold together', () => {
  it('go beyond the limit for one comparison at a time, which ends and lets the next one', async () => {
    const budget = new TagBudget(100);
    const done: string[] = [];
    const held = new Map<string, number>();
    let most = 0;
    const compare = async (name: string, tags: number) => {
      using share = budget.open();
      for (let count = 10; count <= tags; count += 10) {
        await share.reach(count, signal);
        held.set(name, count);
        most = Math.max(
          most,
          [...held.values()].reduce((sum, each) => sum + each),
        );
        await turn();
      }
      held.delete(name);
      done.push(name);
    };
    await Promise.all([compare('a', 300), compare('b', 300), compare('c', 300), compare('small', 20)]);
    expect(done.sort()).toEqual(['a', 'b', 'c', 'small']);
    expect(most).toBeLessThanOrEqual(100 + 300);
  });

  it('are given back by a comparison that is aborted while it waits', async () => {
    const budget = new TagBudget(100);
    using first = budget.open();
    await first.reach(150, signal);
    const abort = new AbortController();
    const second = budget.open();
    const waiting = second.reach(50, abort.signal);
    abort.abort(new Error('no time'));
    await expect(waiting).rejects.toThrow('no time');
    second[Symbol.dispose]();
    first[Symbol.dispose]();
    using third = budget.open();
    await third.reach(100, signal);
  });
});
