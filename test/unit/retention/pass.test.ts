import { beforeEach, describe, expect, it } from 'vitest';
import type { Config } from '../../../core/config/config.ts';
import { detailTypeOf, prunedSchema } from '../../../core/notify/event-schema.ts';
import { imagesPruned } from '../../../core/notify/events.ts';
import { monthlyDollars } from '../../../core/retention/cost.ts';
import {
  hasRetention,
  newPass,
  type Pass,
  type PassDependencies,
  passEveryMs,
  type RepositoryReport,
  runPasses,
} from '../../../core/retention/pass.ts';
import { rulesConfig } from '../../support/memory-reconcile.ts';
import { day, digestNumber, made } from './repository.ts';

const begin = new Date('2026-11-30T12:00:00.000Z');

/** Passes in memory, over mirror repositories that each hold one old image. */
class MemoryPasses {
  now = begin;
  readonly passes = new Map<string, Pass>();
  readonly reports: [string, RepositoryReport][] = [];
  readonly told: string[] = [];
  next: string | undefined;
  repositories = ['acme/a', 'acme/b', 'acme/c', 'acme/kept'];
  readonly held = new Map(this.repositories.map((name) => [`mirror/ghcr.io/${name}`, 1]));
  /** Called before each repository is listed. */
  onList: (repository: string) => void = () => {};

  dependencies(config: Config): PassDependencies {
    const { repositories } = this;
    return {
      config,
      owner: 'test',
      now: () => this.now,
      mappings: {
        async *repositoriesOf() {
          yield* repositories;
        },
      } as Partial<PassDependencies['mappings']> as PassDependencies['mappings'],
      retiring: {
        async *digests() {},
        async *tags() {},
        forgetWriters: async () => {},
        begin: async () => true,
        end: async () => {},
      },
      contents: {
        list: async (repository) => {
          this.onList(repository);
          return this.held.get(repository)
            ? [{ ...made(1, 0), pushedAt: this.now.getTime() - 90 * day }]
            : [];
        },
        references: async () => new Map([[digestNumber(1), { children: [], blobs: [], bytes: 7 }]]),
        tagsOf: async () => new Map(),
        remove: async (repository) => {
          this.held.delete(repository);
          return new Map();
        },
      },
      passes: {
        lock: async () => true,
        unlock: async () => {},
        save: async (pass) => void this.passes.set(pass.id, pass),
        read: async (id) => this.passes.get(id),
        open: async () => [...this.passes.values()].filter(({ finishedAt }) => finishedAt === undefined),
        nextAt: async () => this.next,
        setNextAt: async (at) => {
          this.next = at;
        },
        report: async (id, report) => void this.reports.push([id, report]),
        reports: async () => [],
      },
      tell: async (_, { repository, count }) => void this.told.push(`${repository} ${count}`),
      warn: () => {},
    };
  }

  run(config = covered, ms = 600_000) {
    const endsAt = this.now.getTime() + ms;
    return runPasses(this.dependencies(config), { endsAt, signal: new AbortController().signal });
  }
}

const covered = rulesConfig(
  '{ match: acme/kept }',
  '{ match: "acme/*", retention: { unmappedFor: 30d } }',
  '{ match: other/app, retention: { keepNewest: 3 } }',
);

let memory: MemoryPasses;
beforeEach(() => {
  memory = new MemoryPasses();
});

describe('passes', () => {
  it('begin by themselves a day after the first run, then once a day', async () => {
    await memory.run();
    expect([memory.passes.size, memory.next]).toEqual([
      0,
      new Date(begin.getTime() + passEveryMs).toISOString(),
    ]);
    memory.now = new Date(begin.getTime() + passEveryMs);
    expect(await memory.run()).toEqual({ repositories: 3, images: 3, bytes: 21, failed: 0 });
    expect(memory.told).toEqual(['ghcr.io/acme/a 1', 'ghcr.io/acme/b 1', 'ghcr.io/acme/c 1']);
    expect([...memory.held.keys()]).toEqual(['mirror/ghcr.io/acme/kept']);
    expect(await memory.run()).toMatchObject({ repositories: 0 });
  });

  it('begin only a day later if retention was taken away and is back', async () => {
    await memory.run();
    memory.now = new Date(begin.getTime() + 30 * day);
    await memory.run();
    expect([memory.passes.size, memory.next]).toEqual([
      0,
      new Date(memory.now.getTime() + passEveryMs).toISOString(),
    ]);
  });

  it('delete nothing in a dry run, and only in the repository that is asked for', async () => {
    const place = { registry: 'ghcr.io', repository: 'acme/b' };
    await memory.dependencies(covered).passes.save(newPass({ dryRun: true, place, now: begin }));
    expect(await memory.run()).toMatchObject({ repositories: 1, images: 1 });
    expect(memory.held.size).toBe(4);
    expect(memory.reports.map(([, { repository }]) => repository)).toEqual(['ghcr.io/acme/b']);
  });

  it('go on where the time was used up, and past a repository that fails', async () => {
    await memory.dependencies(covered).passes.save(newPass({ dryRun: false, now: begin }));
    memory.onList = () => {
      memory.now = new Date(memory.now.getTime() + 400_000);
    };
    await memory.run();
    expect(memory.reports.length).toBe(2);
    memory.onList = () => {
      throw new Error('ECR is down');
    };
    await memory.run();
    const [pass] = memory.passes.values();
    expect(pass).toMatchObject({ after: 'ghcr.io/acme/c', totals: { repositories: 3, failed: 2 } });
    expect(pass?.finishedAt).toBeDefined();
    expect(memory.reports.at(-1)?.[1]).toMatchObject({ count: 0, error: { message: 'ECR is down' } });
  });

  it('leave a repository alone that kills the function each time, and do the others', async () => {
    await memory.dependencies(covered).passes.save(newPass({ dryRun: false, now: begin }));
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const dying = new AbortController();
      memory.onList = (repository) => {
        if (repository.endsWith('acme/b')) dying.abort(new Error('out of memory'));
        dying.signal.throwIfAborted();
      };
      const limits = { endsAt: begin.getTime() + 600_000, signal: dying.signal };
      await expect(runPasses(memory.dependencies(covered), limits)).rejects.toThrow('out of memory');
    }
    memory.onList = () => {};
    expect(await memory.run()).toMatchObject({ repositories: 2, failed: 1 });
    expect(memory.reports.map(([, { repository, error }]) => [repository, error?.code])).toEqual([
      ['ghcr.io/acme/a', undefined],
      ['ghcr.io/acme/b', 'GIVEN_UP'],
      ['ghcr.io/acme/c', undefined],
    ]);
  });

  it('do not pile up while one is under way', async () => {
    await memory.run();
    await memory.dependencies(covered).passes.save(newPass({ dryRun: false, now: begin }));
    memory.now = new Date(begin.getTime() + passEveryMs);
    await memory.run(covered, 0);
    expect(memory.passes.size).toBe(1);
  });

  it('are needed only if a rule has retention', () => {
    expect(hasRetention(covered)).toBe(true);
    expect(hasRetention(rulesConfig('{ match: "acme/*" }'))).toBe(false);
  });
});

it('what was deleted is an event of its own on the bus', () => {
  const images = Array.from({ length: 150 }, (_, at) => ({ digest: digestNumber(at), tags: [] }));
  const report = {
    repository: 'ghcr.io/acme/a',
    mirrorRepository: 'mirror/ghcr.io/acme/a',
    count: 150,
    bytes: 1,
    images,
  };
  const event = imagesPruned({ config: covered, pass: 'id', at: begin, report, dollarsPerMonth: 0 });
  expect(prunedSchema.parse(event)).toEqual(event);
  expect(event.data.images.length).toBe(100);
  expect(detailTypeOf(event)).toBe('Images Pruned');
});

it('costs a tenth of a dollar for a gigabyte and month', () => {
  expect(monthlyDollars(25 * 2 ** 30)).toBe(2.5);
});
