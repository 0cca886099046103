import { expect, it } from 'vitest';
import { wait } from '../../../core/async/wait.ts';
import { isSearchDue, searchRepositories } from '../../../core/reconcile/search.ts';
import { MemoryReconcile, rulesConfig } from '../../support/memory-reconcile.ts';

function searched(memory: MemoryReconcile) {
  const [upstream] = memory.config.upstreams;
  if (upstream === undefined) throw new Error('no upstream');
  return upstream;
}

it('notes several rounds at once, so that a search of a large registry ends', async () => {
  const memory = new MemoryReconcile(rulesConfig('{ match: "acme/*" }'));
  for (let at = 0; at < 1_500; at += 1) memory.push(`acme/app${at}`, '1');
  const { store } = memory;
  const read = store.read.bind(store);
  let [reading, most] = [0, 0];
  store.read = async (place) => {
    reading += 1;
    most = Math.max(most, reading);
    await wait(0);
    reading -= 1;
    return await read(place);
  };
  await searchRepositories(searched(memory), undefined, memory.dependencies(), new AbortController().signal);
  expect([store.rounds.size, most]).toEqual([1_500, 16]);
});

it('does not begin again because what no rule names any more took too long', async () => {
  const memory = new MemoryReconcile(rulesConfig('{ match: acme/app }'));
  memory.mapped.set('left/behind', new Map());
  const abort = new AbortController();
  const deps = memory.dependencies();
  deps.mappings.upstreamOf = async () => {
    abort.abort(new Error('the time is used up'));
    throw new Error('aborted');
  };
  const search = searchRepositories(searched(memory), undefined, deps, abort.signal);
  await expect(search).rejects.toThrow('the time is used up');
  const saved = await memory.store.readSearch('ghcr.io');
  expect(isSearchDue(searched(memory), saved, memory.now.toISOString())).toBe(false);
});
