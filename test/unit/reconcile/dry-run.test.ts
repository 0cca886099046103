import { describe, expect, it } from 'vitest';
import type { AskedDryRun, DryRunStore } from '../../../core/reconcile/dry-run/ports.ts';
import { type DryRun, mostListed, type Scope } from '../../../core/reconcile/dry-run/report.ts';
import { runAskedDryRuns } from '../../../core/reconcile/dry-run/run-asked.ts';
import { reconcileDue } from '../../../core/reconcile/walk.ts';
import { RegistryError } from '../../../core/registry/errors.ts';
import type { SettingName } from '../../../core/repository-settings/settings.ts';
import { MemoryReconcile, policyOf, rulesConfig } from '../../support/memory-reconcile.ts';

const signal = new AbortController().signal;

/** Requests and reports in memory. */
class MemoryDryRuns implements DryRunStore {
  readonly asked: AskedDryRun[] = [];
  readonly saved: DryRun[] = [];

  async ask(asked: AskedDryRun): Promise<void> {
    this.asked.push(asked);
  }
  async take(): Promise<AskedDryRun | undefined> {
    return this.asked[0];
  }
  async save(report: DryRun): Promise<void> {
    this.saved.push(structuredClone(report));
  }
  async done(): Promise<void> {
    this.asked.shift();
  }
  async read(): Promise<DryRun | undefined> {
    return this.saved.at(-1);
  }
  async isAsked(): Promise<boolean> {
    return this.asked.length > 0;
  }
}

/** The report of a dry run. */
async function dryRun(
  memory: MemoryReconcile,
  scope: Scope = { registry: 'ghcr.io' },
  { seconds = 600, drifted = [] as SettingName[] } = {},
): Promise<DryRun> {
  const dryRuns = new MemoryDryRuns();
  await dryRuns.ask({ ...scope, askedAt: memory.now.toISOString() });
  const deps = {
    ...memory.dependencies(),
    dryRuns,
    planSettings: async (repository: string) => ({
      repository,
      exists: true,
      changed: drifted,
      differs: [],
      failed: [],
    }),
  };
  await runAskedDryRuns(deps, { endsAt: memory.now.getTime() + seconds * 1_000, signal });
  expect(dryRuns.asked).toEqual([]);
  const report = dryRuns.saved.at(-1);
  if (!report) throw new Error('no report');
  return report;
}

const walk = (memory: MemoryReconcile) =>
  reconcileDue(memory.dependencies(), { endsAt: memory.now.getTime() + 600_000, signal });

describe('a dry run', () => {
  it('tells what would be done and why, and changes nothing', async () => {
    const memory = new MemoryReconcile(rulesConfig('{ match: acme/app, deleted: unmap }'));
    memory.push('acme/app', 'gone', 'lost', 'moved', 'same', 'strayed');
    await walk(memory);
    memory.mirror(policyOf(memory));
    memory.push('acme/app', 'moved', 'new');
    memory.upstream.get('acme/app')?.delete('gone');
    memory.strayed.set('strayed', `sha256:${'0'.repeat(64)}`);
    memory.lost.add('lost');
    const rounds = structuredClone(memory.store.rounds);
    const scope = { registry: 'ghcr.io', repository: 'acme/app' };
    const report = await dryRun(memory, scope, { drifted: ['scanOnPush'] });
    const told = report.wouldDo.map((each) => [each.action, 'tag' in each ? each.tag : '', each.why]);
    expect(told.sort()).toEqual([
      ['mend', 'lost', 'deleted'],
      ['queue', 'moved', 'moved'],
      ['queue', 'new', 'missing'],
      ['queue', 'strayed', 'strayed'],
      ['set', '', 'scanOnPush'],
      ['unmap', 'gone', 'deleted_upstream'],
    ]);
    expect(report).toMatchObject({ ...scope, compared: 1, repositories: 1, failed: [] });
    expect(report.counts).toEqual({ queue: 3, unmap: 1, mend: 1, set: 1 });
    expect(report.finishedAt).toBeDefined();
    expect([memory.queue.sent, memory.removed]).toEqual([[], []]);
    expect(memory.store.rounds).toEqual(rounds);
  });

  it('finds what the walk then does', async () => {
    const memory = new MemoryReconcile(rulesConfig('{ match: "acme/*", tags: { latest: 2 } }'));
    for (const name of ['a', 'b', 'c']) memory.push(`acme/${name}`, '1.0', '1.1', '1.2');
    const { wouldDo, repositories } = await dryRun(memory);
    const expected = wouldDo.map((each) => `${each.repository}:${'tag' in each ? each.tag : ''}`);
    await walk(memory);
    expect(memory.mirror(policyOf(memory)).sort()).toEqual(expected.sort());
    expect([repositories, expected.length]).toEqual([3, 6]);
  });

  it('goes on after a repository that can’t be compared, and names it', async () => {
    const memory = new MemoryReconcile(rulesConfig('{ match: acme/a }', '{ match: acme/b }'));
    for (const name of ['acme/a', 'acme/b']) memory.push(name, '1');
    const of = { side: 'upstream' as const, registry: 'ghcr.io', operation: 'list tags of' };
    memory.broken.set('acme/a', new RegistryError(of, { code: 'NAME_UNKNOWN', reason: 'gone', status: 404 }));
    const report = await dryRun(memory);
    expect(report.failed).toMatchObject([{ repository: 'acme/a', code: 'NAME_UNKNOWN' }]);
    expect(report.wouldDo).toMatchObject([{ repository: 'acme/b', tag: '1' }]);
    expect(report).not.toHaveProperty('error');
  });

  it('ends when the upstream is closed, and says so', async () => {
    const memory = new MemoryReconcile(rulesConfig('{ match: acme/a }'));
    memory.push('acme/a', '1');
    await memory.gate.close('ghcr.io', new Date(memory.now.getTime() + 60_000));
    expect(await dryRun(memory)).toMatchObject({ error: { code: 'UPSTREAM_CLOSED' }, compared: 0 });
    expect(memory.requests).toEqual([]);
  });

  it('lists so much that its report fits, and counts everything', async () => {
    const memory = new MemoryReconcile(rulesConfig('{ match: acme/a }', '{ match: acme/b }'));
    for (const name of ['a', 'b'])
      memory.push(`acme/${name}`, ...Array.from({ length: 400 }, (_, index) => `v${index}`));
    const report = await dryRun(memory);
    expect(report.counts.queue).toBe(800);
    expect(report.wouldDo.length).toBe(mostListed);
  });
});
