import type { Config, Upstream } from '../../core/config/config.ts';
import type { JobStore } from '../../core/jobs/ports.ts';
import { newJob, newJobId } from '../../core/jobs/record.ts';
import type { ImageKey } from '../../core/mapping/record.ts';
import type { MappedTag, MappingStore, TagState } from '../../core/mapping/store.ts';
import { parseConfig } from '../../core/mirror-yaml/parse.ts';
import { type Digest, digestOf } from '../../core/oci/digest.ts';
import { policyFingerprint } from '../../core/policy/fingerprint.ts';
import type { DueRound, ReconcileDependencies, ReconcileStore } from '../../core/reconcile/ports.ts';
import {
  isDue,
  type Place,
  type Round,
  type RoundsSummary,
  type Search,
} from '../../core/reconcile/round.ts';
import { RegistryError } from '../../core/registry/errors.ts';
import type { ListedTag } from '../../core/registry/operations/lists/tags.ts';
import { MemoryGate } from './memory-gate.ts';
import { MemoryQueue } from './mirror-jobs.ts';

/** Rounds in memory. */
export class MemoryRounds implements ReconcileStore {
  readonly rounds = new Map<string, Round>();
  readonly searches = new Map<string, Search>();
  /** When a round of each upstream was finished last. */
  readonly finished = new Map<string, string>();
  owner: string | undefined;

  async lock(owner: string): Promise<boolean> {
    this.owner ??= owner;
    return this.owner === owner;
  }
  async unlock(owner: string): Promise<void> {
    if (this.owner === owner) this.owner = undefined;
  }
  async readSearch(registry: string): Promise<Search | undefined> {
    return this.searches.get(registry);
  }
  async saveSearch(search: Search): Promise<void> {
    this.searches.set(search.registry, search);
  }
  async requestSearch(registry: string, at: string): Promise<void> {
    const search = this.searches.get(registry);
    if (search) search.requestedAt = at;
  }
  async read({ registry, repository }: Place): Promise<Round | undefined> {
    return this.rounds.get(`${registry}/${repository}`);
  }
  async save(round: Round): Promise<void> {
    const name = `${round.registry}/${round.repository}`;
    this.rounds.set(name, { ...round, requestedAt: this.rounds.get(name)?.requestedAt });
  }
  async request(place: Place, at: string): Promise<void> {
    const round = (await this.read(place)) ?? { ...place, dueAt: at };
    this.rounds.set(`${place.registry}/${place.repository}`, { ...round, requestedAt: at });
  }
  async due(registry: string, now: string, limit: number): Promise<DueRound[]> {
    const due = [...this.rounds.values()].filter((round) => round.registry === registry && isDue(round, now));
    return due
      .sort((a, b) => (a.dueAt < b.dueAt ? -1 : 1))
      .slice(0, limit)
      .map((round) => ({ round, notes: [] }));
  }
  async forget({ round }: DueRound): Promise<void> {
    this.rounds.delete(`${round.registry}/${round.repository}`);
  }
  async noteFinished(registry: string, at: string): Promise<void> {
    this.finished.set(registry, at);
  }
  async summary(registry: string, now: string): Promise<RoundsSummary> {
    const rounds = [...this.rounds.values()].filter((round) => round.registry === registry);
    const failing = rounds.flatMap(({ repository, error, failures = 0, dueAt }) =>
      error && failures > 0 ? [{ repository, error, failures, dueAt }] : [],
    );
    const due = rounds.filter((round) => isDue(round, now)).length;
    return { search: await this.readSearch(registry), due, failing, isComplete: true };
  }
}

/** A configuration whose upstream `ghcr.io` has these rules, in YAML. */
export function rulesConfig(...rules: string[]): Config {
  const parsed = parseConfig(`
version: 1
mirror: { regions: [eu-west-1], repositoryPrefix: mirror }
upstreams:
  - registry: ghcr.io
    repositories:
${rules.map((rule) => `      - ${rule}`).join('\n')}
`);
  if (!parsed.ok) throw new Error(parsed.errors.map(({ path, message }) => `${path} ${message}`).join('\n'));
  return parsed.config;
}

/** A tag as the table knows it; what only lists of mappings show is made up. */
function tagState(
  mapped: Map<string, Map<string, MappedTag>>,
  { repository, reference }: ImageKey,
): TagState {
  const found = mapped.get(repository)?.get(reference);
  const state = { events: 1, resolves: 1, fence: 1, revision: 1 };
  if (found?.sourceDigest === undefined) return state;
  const { digest, sourceDigest, mirrorRepository, pin } = found;
  const at = '2026-04-01T12:00:00.000Z';
  const times = { observedAt: at, mirroredAt: at, job: newJobId() };
  const image = { digest, sourceDigest, mediaType: '', platforms: [], sizeBytes: 0 };
  return { ...state, mapping: { ...image, ...times, mirrorRepository, pin, region: 'eu-west-1' } };
}

/** The policy of the first rule. */
export function policyOf({ config }: Pick<MemoryReconcile, 'config'>): string {
  const rule = config.upstreams[0]?.repositories[0];
  if (!rule) throw new Error('no rule');
  return policyFingerprint(rule);
}

/** Everything that comparisons work with, in memory: an upstream, a queue and the mappings. */
export class MemoryReconcile {
  config: Config;
  now = new Date('2026-04-01T12:00:00.000Z');
  readonly store = new MemoryRounds();
  readonly queue = new MemoryQueue();
  /** What the upstream has: repository → tag → digest. */
  readonly upstream = new Map<string, Map<string, Digest>>();
  /** What is mapped: repository → tag. */
  readonly mapped = new Map<string, Map<string, MappedTag>>();
  /** Whether the upstream's lists tell digests, and whether it lists its repositories. */
  tellsDigests = false;
  hasCatalog = true;
  /** Whether HEAD tells a tag's digest. */
  tellsHeads = true;
  /** Tags that the upstream has, but does not list. */
  readonly unlisted = new Set<string>();
  /** Mapped tags whose images the mirror has lost. */
  readonly lost = new Set<string>();
  /** Tags whose mappings were removed. */
  readonly removed: string[] = [];
  /** Thrown by lists of these repositories, after their first tag. */
  readonly broken = new Map<string, Error>();
  /** What the mirror's tags point to, of those that are not what is mapped. */
  readonly strayed = new Map<string, Digest>();
  readonly gate = new MemoryGate();
  /** Repositories that the mirror has, and repositories of jobs that mirrored nothing. */
  readonly mirrorRepositories: string[] = [];
  readonly jobs: string[] = [];
  /** Repositories of the mirror whose settings were put right. */
  readonly keptInLine: string[] = [];
  /** What was asked of the upstream. */
  readonly requests: string[] = [];
  readonly warnings: string[] = [];
  /** How many jobs the queue seems to have. */
  backlog: () => number = () => 0;

  constructor(config: Config) {
    this.config = config;
  }

  /** Puts tags into the upstream. */
  push(repository: string, ...tags: string[]): void {
    const held = this.upstream.get(repository) ?? new Map<string, Digest>();
    this.upstream.set(repository, held);
    for (const tag of tags)
      held.set(tag, digestOf(Buffer.from(`${repository}:${tag} ${held.get(tag) ?? ''}`)));
  }

  /** Mirrors what is queued, by a policy. */
  mirror(fingerprint: string): string[] {
    const images = this.queue.sent.map(({ body }) => body.image);
    this.queue.sent = [];
    for (const { repository, reference: tag } of images) {
      const sourceDigest = this.upstream.get(repository)?.get(tag);
      if (sourceDigest === undefined) continue;
      const tags = this.mapped.get(repository) ?? new Map<string, MappedTag>();
      this.mapped.set(repository, tags);
      const mirrorRepository = `mirror/ghcr.io/${repository}`;
      tags.set(tag, { tag, sourceDigest, digest: sourceDigest, mirrorRepository, pin: false, fingerprint });
    }
    return images.map(({ repository, reference }) => `${repository}:${reference}`);
  }

  dependencies(): ReconcileDependencies {
    const { mapped, mirrorRepositories } = this;
    let events = 0;
    const mappings: Partial<MappingStore> = {
      acquireLease: async (key) => ({ fence: 1, state: tagState(mapped, key) }),
      renewLease: async () => true,
      releaseLease: async () => {},
      unmap: async ({ repository, reference: tag }) => {
        this.removed.push(tag);
        mapped.get(repository)?.delete(tag);
        return 2;
      },
      registryHosts: async () => ({}),
      tagsOf: async ({ registry, repository }) =>
        [...(mapped.get(repository)?.keys() ?? [])].flatMap((reference) => {
          const key = { registry, repository, reference };
          const { revision, mapping } = tagState(mapped, key);
          return mapping ? [{ key, revision, mapping }] : [];
        }),
      retireDigest: async () => true,
      raiseEvent: async () => ++events,
      async *mappedTags({ repository }) {
        yield* mapped.get(repository)?.values() ?? [];
      },
      async *repositoriesOf() {
        yield* mapped.keys();
      },
      upstreamOf: async () => undefined,
    };
    const jobs: Pick<JobStore, 'park' | 'create' | 'update' | 'list'> = {
      list: async () => ({
        jobs: this.jobs.map((repository) =>
          newJob({
            id: newJobId(),
            key: { registry: 'ghcr.io', repository, reference: '1' },
            event: 1,
            trigger: 'webhook',
            receivedAt: this.now.toISOString(),
          }),
        ),
      }),
      park: async () => {},
      create: async () => {},
      update: async () => true,
    };
    return {
      config: this.config,
      mappings: mappings as MappingStore,
      jobs: jobs as JobStore,
      queue: this.queue,
      images: {
        losses: async (_, images) =>
          images.map(({ tag = '' }) => (this.lost.has(tag) ? ('deleted' as const) : undefined)),
      },
      notifier: { notify: async () => {} },
      store: this.store,
      upstreams: {
        listTags: (upstream, repository) => this.#tags(upstream, repository),
        listRepositories: () => this.#catalog(),
        hasTag: async (_, repository, tag) => {
          this.requests.push(`HEAD ${repository}:${tag}`);
          return this.upstream.get(repository)?.has(tag) ?? false;
        },
        tagDigest: async (_, repository, tag) => {
          this.requests.push(`HEAD ${repository}:${tag}`);
          return this.tellsHeads ? this.upstream.get(repository)?.get(tag) : undefined;
        },
      },
      gate: this.gate,
      mirrorTags: async () => this.strayed,
      mirrorRepositories: async function* (this: void) {
        yield* mirrorRepositories;
      },
      keepInLine: async (repository) => {
        this.keptInLine.push(repository);
      },
      backlog: async () => this.backlog(),
      now: () => this.now,
      pause: async (ms) => {
        this.now = new Date(this.now.getTime() + ms);
      },
      warn: (message) => this.warnings.push(message),
    };
  }

  async *#tags(_upstream: Upstream, repository: string): AsyncGenerator<ListedTag> {
    this.requests.push(`tags ${repository}`);
    const failure = this.broken.get(repository);
    for (const [tag, digest] of this.upstream.get(repository) ?? []) {
      if (this.unlisted.has(tag)) continue;
      yield this.tellsDigests ? { tag, digest } : { tag };
      if (failure) throw failure;
    }
  }

  async *#catalog(): AsyncGenerator<string> {
    this.requests.push('catalog');
    if (!this.hasCatalog)
      throw new RegistryError(
        { side: 'upstream', registry: 'ghcr.io', operation: 'list repositories' },
        { code: 'DENIED', reason: 'not for you', status: 403 },
      );
    yield* this.upstream.keys();
  }
}
