import { describe, expect, it } from 'vitest';
import type { Upstream } from '../../../core/config/config.ts';
import { parseConfig } from '../../../core/mirror-yaml/parse.ts';
import { digestOf } from '../../../core/oci/digest.ts';
import { mirrorRepository } from '../../../core/policy/mirror-repository.ts';
import { mostQueued } from '../../../core/reconcile/room.ts';
import type { Round } from '../../../core/reconcile/round.ts';
import { upstreamName } from '../../../core/reconcile/upstream/known-repositories.ts';
import { reconcileDue } from '../../../core/reconcile/walk.ts';
import { RegistryError } from '../../../core/registry/errors.ts';
import { MemoryReconcile, policyOf, rulesConfig } from '../../support/memory-reconcile.ts';

const day = 24 * 3_600_000;

function walk(memory: MemoryReconcile, seconds = 600) {
  const { signal } = new AbortController();
  return reconcileDue(memory.dependencies(), { endsAt: memory.now.getTime() + seconds * 1000, signal });
}

const failure = (code: string, more: { status?: number; temporary?: boolean; retryAfterMs?: number } = {}) =>
  new RegistryError(
    { side: 'upstream', registry: 'ghcr.io', operation: 'list tags of' },
    { code, reason: 'failed', ...more },
  );

/** Docker Hub, whose tags another host lists. */
function hubConfig() {
  const parsed = parseConfig(`
version: 1
mirror: { regions: [eu-west-1], repositoryPrefix: mirror }
upstreams:
  - registry: docker.io
    repositories: [{ match: acme/app }]
`);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return parsed.config;
}

describe('what is queued', () => {
  it('is everything at first, with lists alone, and then nothing', async () => {
    const memory = new MemoryReconcile(rulesConfig('{ match: "acme/*", tags: { include: ["1.*"] } }'));
    memory.push('acme/app', '1.0', '1.1', 'edge');
    memory.push('acme/web', '1.0');
    memory.push('other/app', '1.0');
    expect(await walk(memory)).toEqual({ repositories: 2, queued: 3, failed: 0, isDone: true });
    expect(memory.requests.sort()).toEqual(['catalog', 'tags acme/app', 'tags acme/web']);
    expect(memory.mirror(policyOf(memory)).sort()).toEqual(['acme/app:1.0', 'acme/app:1.1', 'acme/web:1.0']);

    expect(await walk(memory)).toMatchObject({ repositories: 0, queued: 0 });
    memory.now = new Date(memory.now.getTime() + day);
    expect(await walk(memory)).toMatchObject({ repositories: 2, queued: 0 });
    expect(memory.requests.filter((each) => each.startsWith('HEAD')).length).toBe(3);
  });

  it('is the one tag that moved, without a HEAD where the list tells digests', async () => {
    const memory = new MemoryReconcile(rulesConfig('{ match: acme/app }'));
    memory.push('acme/app', ...Array.from({ length: 1000 }, (_, index) => `v${index}`));
    memory.tellsDigests = true;
    memory.backlog = () => memory.queue.sent.length % mostQueued;
    await walk(memory);
    expect(memory.mirror(policyOf(memory)).length).toBe(1000);
    memory.push('acme/app', 'v500');
    memory.now = new Date(memory.now.getTime() + day);
    await walk(memory);
    expect(memory.mirror(policyOf(memory))).toEqual(['acme/app:v500']);
    expect(memory.requests).toEqual(['tags acme/app', 'tags acme/app']);
  });

  it('is everything again when the rule copies differently, at once', async () => {
    const memory = new MemoryReconcile(rulesConfig('{ match: acme/app }'));
    memory.push('acme/app', '1', '2');
    await walk(memory);
    memory.mirror(policyOf(memory));
    memory.config = rulesConfig('{ match: acme/app, platforms: [linux/amd64] }');
    memory.now = new Date(memory.now.getTime() + 60_000);
    await walk(memory);
    expect(memory.mirror(policyOf(memory))).toEqual(['acme/app:1', 'acme/app:2']);
  });

  it('is the tag that somebody has moved in the mirror', async () => {
    const memory = new MemoryReconcile(rulesConfig('{ match: acme/app }'));
    memory.push('acme/app', '1', '2');
    await walk(memory);
    memory.mirror(policyOf(memory));
    memory.strayed.set('2', digestOf(Buffer.from('somebody else')));
    memory.now = new Date(memory.now.getTime() + day);
    await walk(memory);
    expect(memory.mirror(policyOf(memory))).toEqual(['acme/app:2']);
  });

  it('leaves pinned tags and rules that never reconcile, and queues those of rules that verify', async () => {
    const memory = new MemoryReconcile(
      rulesConfig(
        '{ match: acme/app }',
        '{ match: acme/never, reconcile: never }',
        '{ match: acme/verified, verify: { cosign: { key: cosign.pub } } }',
      ),
    );
    for (const name of ['app', 'never', 'verified']) memory.push(`acme/${name}`, '1');
    const pinned = {
      tag: '1',
      digest: digestOf(Buffer.from('1')),
      mirrorRepository: 'mirror/ghcr.io/acme/app',
      pin: true,
    };
    memory.mapped.set('acme/app', new Map([['1', pinned]]));
    await walk(memory);
    expect(memory.mirror(policyOf(memory))).toEqual(['acme/verified:1']);
    await memory.store.request({ registry: 'ghcr.io', repository: 'acme/never' }, memory.now.toISOString());
    await walk(memory);
    expect(memory.mirror(policyOf(memory))).toEqual(['acme/never:1']);
    memory.now = new Date(memory.now.getTime() + 30 * day);
    memory.mapped.clear();
    await walk(memory);
    expect(memory.mirror(policyOf(memory)).sort()).toEqual(['acme/app:1', 'acme/verified:1']);
  });

  it('covers a glob by what is mapped where the upstream lists nothing', async () => {
    const memory = new MemoryReconcile(rulesConfig('{ match: "acme/*" }'));
    memory.push('acme/app', '1', '2');
    memory.push('acme/unknown', '1');
    memory.hasCatalog = false;
    memory.mapped.set('acme/app', new Map());
    expect(await walk(memory)).toMatchObject({ repositories: 1, queued: 2, failed: 0 });
    expect(memory.warnings).toEqual([]);
    memory.now = new Date(memory.now.getTime() + 60_000);
    await walk(memory);
    expect(memory.requests.filter((each) => each === 'catalog').length).toBe(1);
  });
});

describe('a repository that no rule names any more', () => {
  it('loses the mappings of what the mirror has lost, and its upstream is not asked', async () => {
    const memory = new MemoryReconcile(rulesConfig('{ match: "**" }'));
    memory.push('acme/app', '1');
    memory.push('old/app', 'kept', 'lost');
    await walk(memory);
    memory.mirror(policyOf(memory));
    memory.config = rulesConfig('{ match: "acme/*" }');
    memory.lost.add('lost');
    memory.requests.length = 0;
    const deps = memory.dependencies();
    const { signal } = new AbortController();
    await reconcileDue(
      {
        ...deps,
        mappings: {
          ...deps.mappings,
          upstreamOf: async (repository) => ({ registry: 'ghcr.io', repository: repository.slice(15) }),
          unmapDigest: async () => true,
        },
      },
      { endsAt: memory.now.getTime() + 600_000, signal },
    );
    expect(memory.removed).toEqual(['lost']);
    expect([...(memory.mapped.get('old/app')?.keys() ?? [])]).toEqual(['kept']);
    expect(memory.requests.filter((each) => each.includes('old/app'))).toEqual([]);
    expect(memory.queue.sent).toEqual([]);
  });
});

describe('a pattern', () => {
  it('covers what only the mirror or a job knows', async () => {
    const memory = new MemoryReconcile(rulesConfig('{ match: "acme/*" }'));
    memory.hasCatalog = false;
    for (const name of ['failed', 'held', 'other']) memory.push(`acme/${name}`, '1');
    memory.jobs.push('acme/failed', 'elsewhere/app');
    memory.mirrorRepositories.push(
      'mirror/ghcr.io/acme/held',
      'mirror/quay.io/acme/other',
      'mirror/ghcr.io/x',
    );
    await walk(memory);
    expect(memory.mirror(policyOf(memory)).sort()).toEqual(['acme/failed:1', 'acme/held:1']);
    expect(memory.keptInLine.sort()).toEqual(['mirror/ghcr.io/acme/failed', 'mirror/ghcr.io/acme/held']);
  });

  it('does not take converted names for repositories', () => {
    const { config } = new MemoryReconcile(rulesConfig('{ match: "acme/*" }'));
    const nameIn = (name: string) => upstreamName(config, 'ghcr.io', name);
    expect(nameIn(mirrorRepository(config, 'ghcr.io', 'acme/app'))).toBe('acme/app');
    expect(nameIn(mirrorRepository(config, 'ghcr.io', 'Acme/App'))).toBeUndefined();
    expect(nameIn('mirror/ghcr.io.example/acme/app')).toBeUndefined();
    expect(upstreamName(config, 'localhost:5000', 'mirror/localhost_5000/acme/app')).toBe('acme/app');
  });
});

describe('a tag that a list does not have', () => {
  const rule = '{ match: acme/app, deleted: unmap }';

  it.each([true, false])('is asked for before its mapping is removed (digests told: %s)', async (told) => {
    const memory = new MemoryReconcile(rulesConfig(rule));
    memory.push('acme/app', '1', '2', '3');
    await walk(memory);
    memory.mirror(policyOf(memory));
    memory.tellsDigests = told;
    memory.unlisted.add('1');
    memory.upstream.get('acme/app')?.delete('2');
    memory.requests.length = 0;
    memory.now = new Date(memory.now.getTime() + day);
    await walk(memory);
    expect(memory.requests).toContain('HEAD acme/app:1');
    expect(memory.removed).toEqual(['2']);
    expect(memory.queue.sent).toEqual([]);
  });

  it('whose digest nobody tells is queued, and stays mapped', async () => {
    const memory = new MemoryReconcile(rulesConfig(rule));
    memory.push('acme/app', '1');
    await walk(memory);
    memory.mirror(policyOf(memory));
    memory.tellsHeads = false;
    memory.now = new Date(memory.now.getTime() + day);
    await walk(memory);
    expect(memory.mirror(policyOf(memory))).toEqual(['acme/app:1']);
    expect(memory.removed).toEqual([]);
  });
});

describe('an upstream that is down', () => {
  const downConfig = () => rulesConfig(...['a', 'b', 'c', 'd'].map((name) => `{ match: acme/${name} }`));
  const down = () => failure('CONNECTION', { temporary: true });
  const minute = (memory: MemoryReconcile) => {
    memory.now = new Date(memory.now.getTime() + 60_000);
  };

  it('is closed to all workers, and asked for one repository at a time until it is back', async () => {
    const memory = new MemoryReconcile(downConfig());
    for (const name of ['a', 'b', 'c', 'd']) {
      memory.push(`acme/${name}`, '1');
      memory.broken.set(`acme/${name}`, down());
    }
    await walk(memory);
    minute(memory);
    await walk(memory);
    expect(memory.gate.of('ghcr.io').downUntil?.getTime()).toBeGreaterThan(memory.now.getTime());
    memory.requests.length = 0;
    for (let minutes = 0; minutes < 60; minutes += 1) {
      minute(memory);
      await walk(memory);
    }
    expect(memory.requests.length).toBeGreaterThan(3);
    expect(memory.requests.length).toBeLessThan(20);
    memory.broken.clear();
    let queued = 0;
    for (let minutes = 0; minutes < 20; minutes += 1) {
      minute(memory);
      queued += (await walk(memory)).queued;
    }
    expect(queued).toBe(4);
    expect(memory.gate.of('ghcr.io')).not.toHaveProperty('outage');
  });

  it('is back for all workers when a list arrives', async () => {
    const memory = new MemoryReconcile(downConfig());
    const registry = 'ghcr.io';
    for (const seconds of [0, 60, 120])
      await memory.gate.failed(registry, {
        at: new Date(memory.now.getTime() + seconds * 1_000 - 600_000),
        reason: 'cut',
      });
    memory.push('acme/a', '1');
    await walk(memory);
    expect(await memory.gate.outage(registry)).toBeUndefined();
    await walk(memory);
    expect(memory.mirror(policyOf(memory))).toEqual(['acme/a:1']);
  });
});

describe('a list of another host than the registry’s', () => {
  it.each([true, false])('does not say that the registry answers (it does: %s)', async (answers) => {
    const memory = new MemoryReconcile(hubConfig());
    for (const seconds of [0, 60, 120])
      await memory.gate.failed('docker.io', {
        at: new Date(memory.now.getTime() + seconds * 1_000 - 600_000),
        reason: 'cut',
      });
    memory.push('acme/app', '1');
    const deps = memory.dependencies();
    const failed = new RegistryError(
      { side: 'upstream', registry: 'docker.io', operation: 'get manifest' },
      { code: 'CONNECTION', reason: 'failed', temporary: true },
    );
    const upstreams = {
      ...deps.upstreams,
      tagDigest: async () => {
        if (!answers) throw failed;
        return undefined;
      },
    };
    const { signal } = new AbortController();
    await reconcileDue({ ...deps, upstreams }, { endsAt: memory.now.getTime() + 60_000, signal });
    expect((await memory.gate.outage('docker.io')) === undefined).toBe(answers);
    expect(memory.queue.sent.length).toBe(answers ? 1 : 0);
  });
});

describe('the walk', () => {
  it('stops while the queue is full, and continues after the last tag that was queued', async () => {
    const memory = new MemoryReconcile(rulesConfig('{ match: acme/app }'));
    const tags = Array.from({ length: 250 }, (_, index) => `v${String(index).padStart(3, '0')}`);
    memory.push('acme/app', ...tags);
    memory.backlog = () => memory.queue.sent.length;
    const all: string[] = [];
    for (const expected of [100, 100, 50]) {
      const { isDone } = await walk(memory);
      const queued = memory.mirror(policyOf(memory));
      expect(queued.length).toBe(expected);
      expect(isDone).toBe(expected === 50);
      all.push(...queued);
    }
    expect(all).toEqual(tags.map((tag) => `acme/app:${tag}`));
    expect(memory.store.rounds.get('ghcr.io/acme/app')).toMatchObject({ found: { tags: 250, queued: 250 } });
  });

  it('tries a repository whose list ends the function after growing pauses, and others meanwhile', async () => {
    const memory = new MemoryReconcile(rulesConfig('{ match: acme/huge }', '{ match: acme/small }'));
    memory.push('acme/huge', ...Array.from({ length: 12_000 }, (_, index) => `v${index}`));
    memory.push('acme/small', '1');
    const deps = memory.dependencies();
    /** What is saved after the function has ended is lost. */
    const dying = async () => {
      let isDead = false;
      const store = Object.create(memory.store, {
        save: {
          value: async (round: Round) => {
            if (!isDead) await memory.store.save(round);
          },
        },
      }) as typeof memory.store;
      const upstreams = {
        ...deps.upstreams,
        listTags: async function* (upstream: Upstream, repository: string, signal: AbortSignal) {
          yield* deps.upstreams.listTags(upstream, repository, signal);
          if (repository !== 'acme/huge') return;
          isDead = true;
          throw new Error('out of memory');
        },
      };
      const { signal } = new AbortController();
      await reconcileDue({ ...deps, store, upstreams }, { endsAt: memory.now.getTime() + 60_000, signal });
    };
    const pauses: number[] = [];
    for (let death = 1; death <= 3; death += 1) {
      await dying();
      const huge = await memory.store.read({ registry: 'ghcr.io', repository: 'acme/huge' });
      expect(huge).toMatchObject({ attempts: death });
      pauses.push(Date.parse(huge?.dueAt ?? '') - memory.now.getTime());
      memory.now = new Date(memory.now.getTime() + (pauses.at(-1) ?? 0));
    }
    expect(pauses[0]).toBeGreaterThanOrEqual(60_000);
    expect(pauses[2]).toBeGreaterThan(pauses[1] ?? 0);
    const { failing } = await memory.store.summary('ghcr.io', memory.now.toISOString());
    expect(failing).toMatchObject([{ repository: 'acme/huge', error: { code: 'crashed' } }]);
    memory.backlog = () => memory.queue.sent.length % mostQueued;
    await walk(memory);
    const round = await memory.store.read({ registry: 'ghcr.io', repository: 'acme/huge' });
    expect(round).toMatchObject({ found: { tags: 12_000 } });
    expect([round?.attempts, round?.failures, round?.error]).toEqual([undefined, undefined, undefined]);
  });

  it('begins again when the rule changes under way', async () => {
    const memory = new MemoryReconcile(rulesConfig('{ match: acme/app }'));
    memory.push('acme/app', ...Array.from({ length: 150 }, (_, index) => `v${1000 + index}`));
    memory.backlog = () => memory.queue.sent.length;
    await walk(memory);
    memory.mirror(policyOf(memory));
    memory.config = rulesConfig('{ match: acme/app, referrers: false }');
    await walk(memory);
    expect(memory.mirror(policyOf(memory))[0]).toBe('acme/app:v1000');
  });

  it('asks a closed upstream nothing', async () => {
    const memory = new MemoryReconcile(rulesConfig('{ match: "acme/*" }'));
    await memory.gate.close('ghcr.io', new Date(memory.now.getTime() + 60_000));
    await walk(memory);
    expect(memory.requests).toEqual([]);
  });

  it('closes an upstream that refuses for its rate limit, and forgets nothing', async () => {
    const memory = new MemoryReconcile(rulesConfig('{ match: acme/app }'));
    memory.push('acme/app', '1');
    const limited = { status: 429, temporary: true, retryAfterMs: 90_000 };
    memory.broken.set('acme/app', failure('TOOMANYREQUESTS', limited));
    await walk(memory);
    expect((await memory.gate.closedUntil('ghcr.io', memory.now))?.getTime()).toBe(
      memory.now.getTime() + 90_000,
    );
    memory.broken.clear();
    memory.now = new Date(memory.now.getTime() + 90_000);
    expect(await walk(memory)).toMatchObject({ queued: 1 });
  });

  it('leaves an upstream open whose list alone is limited, and asks that again later', async () => {
    const memory = new MemoryReconcile(rulesConfig('{ match: acme/app }'));
    memory.push('acme/app', '1');
    const limited = new RegistryError(
      { side: 'upstream', registry: 'hub.example', operation: 'list tags of' },
      { code: 'TOOMANYREQUESTS', reason: 'failed', status: 429, temporary: true, retryAfterMs: 7_200_000 },
    );
    memory.broken.set('acme/app', limited);
    await walk(memory);
    expect(await memory.gate.closedUntil('ghcr.io', memory.now)).toBeUndefined();
    expect(memory.store.rounds.get('ghcr.io/acme/app')).toMatchObject({
      failures: 1,
      error: { code: 'TOOMANYREQUESTS' },
    });
    memory.broken.clear();
    memory.now = new Date(memory.now.getTime() + 60_000);
    expect(await walk(memory)).toMatchObject({ queued: 1 });
  });

  it('asks an upstream that is down every 15 minutes in the end', async () => {
    const memory = new MemoryReconcile(rulesConfig('{ match: acme/a }', '{ match: acme/b }'));
    for (const name of ['acme/a', 'acme/b']) {
      memory.push(name, '1');
      memory.broken.set(name, failure('CONNECTION', { temporary: true }));
    }
    for (let minute = 0; minute < 24 * 60; minute += 1) {
      await walk(memory);
      memory.now = new Date(memory.now.getTime() + 60_000);
    }
    expect(memory.requests.length).toBeGreaterThan(90);
    expect(memory.requests.length).toBeLessThan(120);
    expect(memory.store.rounds.get('ghcr.io/acme/a')?.error).toMatchObject({ code: 'CONNECTION' });
    memory.broken.clear();
    memory.now = new Date(memory.now.getTime() + 3_600_000);
    // One looks whether it is back, and the others wait for that.
    await walk(memory);
    await walk(memory);
    expect(memory.mirror(policyOf(memory)).sort()).toEqual(['acme/a:1', 'acme/b:1']);
    expect(memory.store.rounds.get('ghcr.io/acme/a')).not.toHaveProperty('error.code');
  });

  it('goes on with the other repositories after one that does not exist', async () => {
    const memory = new MemoryReconcile(rulesConfig('{ match: acme/a }', '{ match: acme/b }'));
    memory.push('acme/a', '1');
    memory.push('acme/b', '1');
    memory.broken.set('acme/a', failure('NAME_UNKNOWN', { status: 404 }));
    expect(await walk(memory)).toEqual({ repositories: 1, queued: 1, failed: 1, isDone: true });
  });

  it('repeats a round that was asked for while it was under way', async () => {
    const memory = new MemoryReconcile(rulesConfig('{ match: acme/app }'));
    memory.push('acme/app', '1');
    await walk(memory);
    memory.now = new Date(memory.now.getTime() + 1_000);
    await memory.store.requestSearch('ghcr.io', memory.now.toISOString());
    memory.now = new Date(memory.now.getTime() + 1_000);
    expect(await walk(memory)).toMatchObject({ repositories: 1 });
    expect(await walk(memory)).toMatchObject({ repositories: 0 });
  });
});
