import { DynamoLayerIndex } from '../../core/aws/dynamodb/layer-index.ts';
import { DynamoAwaitedSignatures } from '../../core/aws/dynamodb/mappings/awaited-signatures.ts';
import { DynamoUpstreamGate } from '../../core/aws/dynamodb/upstream-gate.ts';
import type { Config } from '../../core/config/config.ts';
import type { ImageDestination, ImageSource } from '../../core/copy/ports.ts';
import type { TagLister } from '../../core/jobs/dependencies.ts';
import type { JobQueue, ParkedJob, QueuedMessage } from '../../core/jobs/ports.ts';
import { type ProcessDependencies, type Processed, processMessage } from '../../core/jobs/process-message.ts';
import {
  isFinished,
  type JobMessage,
  type JobRecord,
  type JobTrigger,
  messageOf,
  newJob,
  newJobId,
} from '../../core/jobs/record.ts';
import { type ImageKey, isDigestKey } from '../../core/mapping/record.ts';
import { parseConfig } from '../../core/mirror-yaml/parse.ts';
import type { NotifiedEvent } from '../../core/notify/event-schema.ts';
import { RegistryError } from '../../core/registry/errors.ts';
import { keyOf, type LocalStores, startStores } from './local-stores.ts';
import { holdImage } from './memory-image.ts';
import { MemoryStore } from './memory-store.ts';
import { destinationLike, sourceLike } from './recording-stores.ts';
import { ScriptedVerdicts } from './scripted-verdicts.ts';
import type { SeededImage, SeededIndex } from './seeded-image.ts';

/** The rules that the tests of jobs run by; the first that matches wins. */
export const jobsConfig: Config = (() => {
  const parsed = parseConfig(`
version: 1
mirror: { regions: [eu-west-1], repositoryPrefix: mirror }
upstreams:
  - registry: docker.io
    repositories:
      - { match: library/filtered, platforms: [linux/amd64] }
      - { match: "library/verified**", verify: { cosign: { key: cosign.pub } } }
      - match: "library/checked**"
        referrers: false
        reconcile: never
        verify: { cosign: { key: other.pub } }
      - { match: library/newest, tags: { latest: 2 } }
      - { match: library/unsigned, referrers: false }
      - { match: library/followed, deleted: unmap }
      - { match: "library/small-*", require: { maxBytes: 2kB } }
      - { match: "library/labelled-*", require: { labels: { vendor: Acme }, platforms: [linux/amd64] } }
      - { match: "library/aged-*", require: { age: 24h } }
      - { match: "library/scanned-*", require: { scan: { block: HIGH, wait: 10m } } }
      - { match: "library/*" }
`);
  if (!parsed.ok) throw new Error(parsed.errors.map(({ path, message }) => `${path} ${message}`).join('\n'));
  return parsed.config;
})();

/** A queue that remembers its messages, and can be switched off. */
export class MemoryQueue implements JobQueue {
  sent: QueuedMessage[] = [];
  /** Which messages are refused. */
  refuses: (message: QueuedMessage) => boolean = () => false;

  async send(messages: QueuedMessage[]): Promise<{ message: QueuedMessage; reason: string }[]> {
    this.sent.push(...messages.filter((message) => !this.refuses(message)));
    return messages
      .filter((message) => this.refuses(message))
      .map((message) => ({ message, reason: 'switched off' }));
  }
}

/** A promise that the test settles. */
export function gate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { passed: promise, open: resolve };
}

/**
 * Real stores on the table's emulator, registries in memory and a clock that stands still:
 * everything that a mirror job works with. There is one for each file of tests; each test uses its
 * own repository.
 */
export class MirrorJobs {
  readonly stores: LocalStores;
  readonly queue = new MemoryQueue();
  readonly warnings: string[] = [];
  /** The events that others were told of. */
  notified: NotifiedEvent[] = [];
  readonly upstreams = new Map<string, MemoryStore>();
  readonly mirrors = new Map<string, MemoryStore>();
  verdicts = new ScriptedVerdicts();
  /** What upstream does differently, until the test is over. */
  upstreamChanges: Partial<ImageSource> = {};
  mirrorChanges: Partial<ImageDestination> = {};
  now = new Date('2026-04-01T12:00:00.000Z');
  /** How long jobs waited in place, milliseconds; the clock moves on meanwhile. */
  pauses: number[] = [];
  /** Called after each wait. */
  afterPause: () => void = () => {};
  #repositories = 0;

  private constructor(stores: LocalStores) {
    this.stores = stores;
  }

  static async start(): Promise<MirrorJobs> {
    const stores = await startStores();
    await stores.mappings.putRegistryHost('eu-west-1', 'mirror.example');
    return new MirrorJobs(stores);
  }

  /** Forgets what the last test changed; the table stays. */
  reset(): void {
    this.queue.sent = [];
    this.queue.refuses = () => false;
    this.pauses = [];
    this.afterPause = () => {};
    this.warnings.length = 0;
    this.notified = [];
    this.upstreamChanges = {};
    this.mirrorChanges = {};
    this.verdicts = new ScriptedVerdicts();
    this.now = new Date('2026-04-01T12:00:00.000Z');
  }

  /** A tag of a repository that no other test has. */
  key(reference = 'latest', repository = `library/app-${++this.#repositories}`): ImageKey {
    return keyOf(reference, repository);
  }

  upstream({ registry, repository }: ImageKey): MemoryStore {
    return storeOf(this.upstreams, repository, `${registry}/${repository}`);
  }

  mirror({ repository }: ImageKey): MemoryStore {
    const name = `mirror/docker.io/${repository}`;
    return storeOf(this.mirrors, name, `mirror.example/${name}`);
  }

  /** Pushes an image to where the key points. */
  push(key: ImageKey, image: SeededImage | SeededIndex): void {
    holdImage(this.upstream(key), image, isDigestKey(key) ? undefined : key.reference);
  }

  /**
   * Counts an event and records its job, as the webhook does; the message is handed to the test.
   */
  async job(key: ImageKey, trigger: JobTrigger = 'webhook', toldDigest?: string): Promise<JobMessage> {
    const receivedAt = this.now.toISOString();
    const id = newJobId(this.now.getTime());
    const event = await this.stores.mappings.raiseEvent(key, id);
    const job = newJob({ id, key, event, trigger, receivedAt, toldDigest });
    await this.stores.jobs.create(job);
    return messageOf(job);
  }

  dependencies(changes: Partial<ProcessDependencies> = {}): ProcessDependencies {
    const { stores, queue, warnings } = this;
    return {
      config: jobsConfig,
      mappings: stores.mappings,
      jobs: stores.jobs,
      queue,
      layerIndex: new DynamoLayerIndex(stores.table, 'eu-west-1'),
      // Nothing from the last run is trusted, as in a new instance.
      gate: new DynamoUpstreamGate(stores.table),
      notifier: {
        notify: async (event) => void this.notified.push(event as NotifiedEvent),
      },
      verifyImage: (image, options) => this.verdicts.verify(image, options),
      awaited: new DynamoAwaitedSignatures(stores.table),
      openUpstream: async (_, repository) =>
        asUpstream(this.upstream(keyOf('', repository)), this.upstreamChanges),
      openMirror: async (repository) => {
        const held = storeOf(this.mirrors, repository, `mirror.example/${repository}`);
        const destination = destinationLike(held, this.mirrorChanges);
        const manifest: ImageSource['manifest'] = (reference, options) => held.manifest(reference, options);
        return { region: 'eu-west-1', destination: { ...destination, manifest } };
      },
      now: () => this.now,
      pause: async (ms) => {
        this.pauses.push(ms);
        this.now = new Date(this.now.getTime() + ms);
        this.afterPause();
      },
      warn: (message) => warnings.push(message),
      ...changes,
    };
  }

  run(
    message: JobMessage,
    changes: Partial<ProcessDependencies> = {},
    signal: AbortSignal = new AbortController().signal,
  ): Promise<Processed> {
    return processMessage(message, this.dependencies(changes), signal);
  }

  /** Pushes an image, and runs a job for it until it ends. */
  async mirrored(key: ImageKey, image: SeededImage | SeededIndex): Promise<JobRecord> {
    this.push(key, image);
    const message = await this.job(key);
    await this.run(message);
    return await this.record(message);
  }

  async record({ job }: Pick<JobMessage, 'job'>): Promise<JobRecord> {
    const record = await this.stores.jobs.read(job);
    if (!record) throw new Error(`there is no job ${job}`);
    return record;
  }

  async mapping(key: ImageKey) {
    return (await this.stores.mappings.readMany([key]))[0]?.mapping;
  }

  /**
   * The parked jobs except for looks at what belongs to an image. Those of other tests are included
   * only if they left some.
   */
  async parked() {
    return (await this.#parkedRecords()).flatMap(({ parked, record }) =>
      record?.trigger === 'signature' || isPastWatch(parked, record) ? [] : [parked],
    );
  }

  /** The parked looks at what belongs to an image. */
  async parkedLooks({ repository, reference }: ImageKey) {
    return (await this.#parkedRecords()).flatMap(({ parked, record }) =>
      record?.trigger === 'signature' &&
      record.key.repository === repository &&
      record.key.reference === reference
        ? [parked]
        : [],
    );
  }

  async #parkedRecords() {
    const due = await this.stores.jobs.due('9999', 1_000);
    return await Promise.all(
      due.map(async (parked) => ({ parked, record: await this.stores.jobs.read(parked.id) })),
    );
  }

  async close(): Promise<void> {
    await this.stores.close();
  }
}

function storeOf(stores: Map<string, MemoryStore>, name: string, fullName: string): MemoryStore {
  const store = stores.get(name) ?? new MemoryStore(fullName);
  stores.set(name, store);
  return store;
}

/** The port as the registry client implements it: what is missing is a RegistryError. */
function asUpstream(store: MemoryStore, changes: Partial<ImageSource>): ImageSource & TagLister {
  const source = sourceLike(store, {
    manifest: (reference, options) =>
      store.manifest(reference, options).catch((cause) => {
        throw upstreamError('MANIFEST_UNKNOWN', { status: 404, cause });
      }),
    tagDigest: (tag, options) => store.tagDigest(tag, options),
    referrers: (digest, options) => store.referrers(digest, options),
    ...changes,
  });
  return {
    ...source,
    hasTag: async (tag, options) => (await source.tagDigest?.(tag, options)) !== undefined,
    async *listTags() {
      yield* store.tags.keys();
    },
  };
}

/** A failure of upstream as the registry client reports it. */
export function upstreamError(
  code: string,
  more: { status?: number; temporary?: boolean; retryAfterMs?: number; cause?: unknown } = {},
): RegistryError {
  return new RegistryError(
    { side: 'upstream', registry: 'docker.io', operation: 'get manifest' },
    { code, reason: `the registry answered ${more.status ?? 'nothing'}`, ...more },
  );
}

/** A watch stays until its time has come, although the job is finished. */
function isPastWatch({ notBefore }: ParkedJob, record: JobRecord | undefined): boolean {
  return record !== undefined && isFinished(record) && record.watch === notBefore;
}
