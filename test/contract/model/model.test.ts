import { describe, expect, it } from 'vitest';
import { type Explored, explore } from '../../model/explore.ts';
import { lostAnswerIsAnothers, type OnceWritten, recordAndNoteTogether } from '../../model/old-faults.ts';
import { duplicates, lostAnswers, type Model, models, staleAnswers } from '../../model/scenarios.ts';

/** Runs are not short where the processor is shared. */
const timeout = 240_000;

const search = async (model: Model, bound: number): Promise<Explored> =>
  await explore(model, bound, model.before);

describe('jobs that run at the same time', () => {
  it.each(models)(
    'end well, whatever comes in between: $name',
    async (model) => {
      const { failure, ends, states } = await search(model, model.bound);
      expect(failure).toBeUndefined();
      expect(ends).toBeGreaterThan(1);
      expect(states).toBeGreaterThan(100);
    },
    timeout,
  );

  it(
    'lose a push if its record and its note are written together',
    async () => {
      const { failure } = await search(
        { ...duplicates, faults: ['killed'], change: recordAndNoteTogether, ignores: /^jobs are left/ },
        1,
      );
      expect(failure?.problems.join()).toMatch(/an accepted event said v1, and v0 is mapped/);
    },
    timeout,
  );

  it(
    'lose a push if a look whose note got lost counts as another’s',
    async () => {
      const change = lostAnswerIsAnothers('raiseRecheck');
      const { failure } = await search({ ...staleAnswers, faults: ['stale', 'lost answer'], change }, 2);
      expect(failure?.problems).toEqual(['an accepted event said v1, and v0 is mapped']);
    },
    timeout,
  );

  it.each<OnceWritten>(['acquireLease', 'begin'])(
    'wait for themselves if a lost answer counts as another’s: %s',
    async (method) => {
      const { failure } = await search({ ...lostAnswers, change: lostAnswerIsAnothers(method) }, 1);
      expect(failure?.problems.join()).toMatch(/it took [\d.]+ s until it was mapped/);
    },
    timeout,
  );
});
