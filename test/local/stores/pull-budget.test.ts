import { afterAll, beforeAll, expect, it } from 'vitest';
import { DynamoPullBudget } from '../../../core/aws/dynamodb/pull-budget.ts';
import { type LocalStores, startStores } from '../../support/local-stores.ts';

let stores: LocalStores;
beforeAll(async () => {
  stores = await startStores();
});
afterAll(() => stores.close());

const now = new Date('2026-04-01T12:00:00.000Z');
const later = (seconds: number) => new Date(now.getTime() + seconds * 1_000);
const budget = () => new DynamoPullBudget(stores.table);

it('gives all workers together nine tenths of what is left, however many ask at once', async () => {
  const registry = 'a.example';
  expect(await budget().take(registry, now)).toEqual({ kind: 'unknown' });
  await budget().tell(registry, { left: 20, windowMs: 60_000 }, now);
  // Another worker has asked at the same time.
  await budget().tell(registry, { left: 20, windowMs: 60_000 }, now);
  const taken = await Promise.all(Array.from({ length: 25 }, () => budget().take(registry, later(1))));
  expect(taken.filter(({ kind }) => kind === 'taken')).toHaveLength(18);
  expect(taken.filter(({ kind }) => kind === 'spent')).toHaveLength(7);
  expect(await budget().take('b.example', later(1)), 'for this registry only').toEqual({ kind: 'unknown' });
});

it('has the registry asked again while all are spent, and when the window is over', async () => {
  const registry = 'c.example';
  await budget().tell(registry, { left: 2, windowMs: 60_000 }, now);
  expect(await budget().take(registry, later(1))).toEqual({ kind: 'taken' });
  expect(await budget().take(registry, later(2))).toEqual({ kind: 'spent', until: later(8) });
  // What was told before the others had theirs counted is not believed.
  await budget().tell(registry, { left: 20, windowMs: 60_000 }, later(3));
  expect(await budget().take(registry, later(7))).toEqual({ kind: 'spent', until: later(8) });
  expect(await budget().take(registry, later(8))).toEqual({ kind: 'unknown' });
  await budget().tell(registry, { left: 1, windowMs: 60_000 }, later(8));
  expect(await budget().take(registry, later(9))).toEqual({ kind: 'spent', until: later(14) });
  await budget().tell(registry, { left: 10, windowMs: 60_000 }, later(14));
  expect(await budget().take(registry, later(15))).toEqual({ kind: 'taken' });
  expect(await budget().take(registry, later(74))).toEqual({ kind: 'unknown' });
});
