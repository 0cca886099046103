import { wait } from '../../core/async/wait.ts';
import { DynamoReconcileStore } from '../../core/aws/dynamodb/reconcile-store.ts';
import { requestChange } from '../../core/jobs/changes/request-change.ts';
import { enqueue } from '../../core/jobs/enqueue.ts';
import type { ProcessDependencies } from '../../core/jobs/process-message.ts';
import type { Change } from '../../core/jobs/record.ts';
import type { ReconcileDependencies } from '../../core/reconcile/ports.ts';
import { unmapDeleted } from '../../core/reconcile/unmap-deleted.ts';
import { reconcileDue } from '../../core/reconcile/walk.ts';
import { withLock } from '../../core/reconcile/with-lock.ts';
import { settle } from './explore.ts';
import { images, key } from './subject.ts';
import { type Happening, type Scenario, World } from './world.ts';

/** A scenario, and the world in which it begins. */
export interface Model extends Scenario {
  /** How many deviations the gate tries; with more, it takes minutes. */
  bound: number;
  before: () => Promise<World>;
}

/** Somebody moves upstream's tag. */
const push = (version: number): Happening => ({
  name: `push of v${version}`,
  happen: (world) => world.registries.push(version),
});

const deletion: Happening = { name: 'deletion', happen: (world) => world.registries.push(-1) };

/** An event reaches the webhook function. */
const event = (name: string): Happening => ({
  name: `event ${name}`,
  happen: (world) => {
    const { version } = world.registries;
    world.start(
      `webhook ${name}`,
      (deps) => enqueue([{ key }], 'webhook', deps),
      () => world.accept(version),
    );
  },
});

/** Somebody asks for a change of the mapping. */
const change = (what: Change): Happening => ({
  name: what.kind,
  happen: (world) =>
    world.start(
      `api ${what.kind}`,
      (deps) => requestChange({ key, change: what }, { ...deps, now: deps.now }),
      () => world.changed.push(what.kind),
    ),
});

/** A comparison has found that upstream has deleted the tag. */
const comparison: Happening = {
  name: 'comparison',
  happen: (world) =>
    world.start('reconcile', async (deps) => {
      const { signal } = new AbortController();
      const hasTag = () => world.registries.hasTag();
      // Of the other dependencies, it has no use.
      const others = deps as unknown as Parameters<typeof unmapDeleted>[2]['deps'];
      await unmapDeleted(key, [key.reference], { hasTag, deps: others, signal });
    }),
};

/** A schedule function compares upstream with the mirror, as soon as no other one does. */
const scheduledComparison = (name: string): Happening => ({
  name: `comparison ${name}`,
  happen: (world) => {
    const { registries } = world;
    const upstreams: ReconcileDependencies['upstreams'] = {
      async *listTags() {
        yield { tag: key.reference };
      },
      async *listRepositories() {
        yield key.repository;
      },
      hasTag: () => registries.hasTag(),
      tagDigest: () => registries.upstreamDigest(),
    };
    const compare = async (deps: ProcessDependencies) => {
      const store = new DynamoReconcileStore(world.table());
      const all: ReconcileDependencies = {
        ...deps,
        store,
        upstreams,
        images: { losses: async (_, images) => images.map(() => undefined) },
        mirrorTags: async () => new Map([[key.reference, registries.mirrorTag]]),
        // The rule names one repository, so nobody searches the mirror for others.
        async *mirrorRepositories() {},
        keepInLine: async () => {},
        backlog: async () => 0,
        now: deps.now,
      };
      const { signal } = new AbortController();
      const walk = (inner: AbortSignal) =>
        reconcileDue(all, { endsAt: Number.POSITIVE_INFINITY, signal: inner });
      while ((await withLock(store, { owner: name, signal }, walk)) === undefined) await wait(60_000);
    };
    world.start(`schedule ${name}`, compare, () => world.changed.push(name));
  },
});

/** A world in which these things have happened, and nothing more is left to do. */
const after =
  (...happenings: Happening[]) =>
  async (): Promise<World> =>
    await settle(new World({ name: 'before', faults: [], happenings }), Number.POSITIVE_INFINITY);

const mapped = after(push(0), event('a'));
const mappedTwice = after(push(0), event('a'), push(1), event('b'));

/**
 * A tag that was looked at without result a moment ago, and then once more, as is usual: jobs may
 * leave their look to newer ones.
 */
const lookedAt = async (): Promise<World> => {
  const before = await mapped();
  const world = new World({ name: 'looked at', faults: [], happenings: [event('b')] }, before);
  return await settle(world, world.machine.now + 60_000);
};

/** Two workers, two pushes, and everything that can happen to a function. */
export const twoPushes: Model = {
  name: 'two pushes of a tag',
  bound: 1,
  before: mapped,
  happenings: [push(1), event('1'), push(2), event('2')],
  faults: ['killed', 'lost answer', 'twice', 'slow'],
};

/** Of many events for one push, only some jobs look. */
export const duplicates: Model = {
  name: 'two events for one push, after a look without result',
  bound: 1,
  before: lookedAt,
  happenings: [push(1), event('1'), event('2')],
  faults: ['killed', 'lost answer', 'twice'],
};

/** Upstream's answer may be older than the push that was told. */
export const staleAnswers: Model = {
  name: 'a push that upstream’s cache does not show yet',
  bound: 1,
  before: mapped,
  happenings: [push(1), event('1')],
  faults: ['stale', 'lost answer', 'killed'],
};

/** Of two looks, the later one may get the older answer. */
export const staleAfterFresh: Model = {
  name: 'two pushes, and caches that are behind',
  bound: 1,
  before: mapped,
  happenings: [push(1), event('1'), push(2), event('2')],
  faults: ['stale'],
};

/** A lost answer costs no time, since the SDK asks again at once. */
export const lostAnswers: Model = {
  name: 'a push, and answers that get lost',
  bound: 1,
  before: mapped,
  happenings: [push(1), event('1')],
  faults: ['lost answer'],
  verify: (world) => (world.lagMs <= 10_000 ? [] : [`it took ${world.lagMs / 1_000} s until it was mapped`]),
};

/** The table and the queue fail, and nobody knows whether they did what was asked. */
export const errors: Model = {
  name: 'a push, and services that answer with errors',
  bound: 1,
  before: mapped,
  happenings: [push(1), event('1')],
  faults: ['error', 'killed'],
};

/** The tag comes back while a comparison removes its mapping. */
export const deletedAndPushed: Model = {
  name: 'a tag that is deleted upstream and pushed again',
  bound: 1,
  before: mapped,
  happenings: [deletion, comparison, push(1), event('1')],
  faults: ['killed', 'lost answer', 'slow'],
  verify: (world) =>
    world.accepted < 1 || world.version === 1
      ? []
      : [`it was pushed again, and is mapped to v${world.version}`],
};

/** The tag stays where it is pinned, whatever is pushed. */
export const pinned: Model = {
  name: 'a pin and a push',
  bound: 1,
  before: mapped,
  happenings: [change({ kind: 'pin' }), push(1), event('1')],
  faults: ['killed', 'lost answer', 'slow'],
  verify: (world) =>
    world.changed.length === 0 || world.isPinned ? [] : ['it was to be pinned, and is not'],
};

/** A rollback wins over a push, also if both move the tag. */
export const rolledBack: Model = {
  name: 'a rollback and a push',
  bound: 1,
  before: mappedTwice,
  happenings: [
    change({ kind: 'rollback', digest: (images[0] ?? images[1])?.manifest.digest ?? 'sha256:' }),
    push(2),
    event('2'),
  ],
  faults: ['killed', 'lost answer', 'slow'],
  verify: (world) =>
    world.changed.length === 0 || (world.isPinned && world.version === 0)
      ? []
      : [`it was to be rolled back, and is mapped to v${world.version}`],
};

/** No event told of the push. */
export const compared: Model = {
  name: 'a push that no event tells, and two comparisons',
  bound: 1,
  before: mapped,
  happenings: [push(1), scheduledComparison('a'), scheduledComparison('b')],
  faults: ['killed', 'slow'],
  verify: (world) =>
    world.changed.length === 0 || world.version === 1
      ? []
      : [`it was compared, and is mapped to v${world.version}`],
};

export const models: Model[] = [
  twoPushes,
  duplicates,
  staleAnswers,
  staleAfterFresh,
  lostAnswers,
  errors,
  deletedAndPushed,
  pinned,
  rolledBack,
  compared,
];

/** Some of everything, in one run. */
export const everything: Happening[] = [
  push(0),
  event('a'),
  event('b'),
  push(1),
  event('c'),
  change({ kind: 'pin' }),
  change({ kind: 'unpin' }),
  deletion,
  comparison,
  push(0),
  event('d'),
];
