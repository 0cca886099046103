import { setTimeout as sleep } from 'node:timers/promises';
import type { SQSRecord } from 'aws-lambda';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BlobPool } from '../../../core/copy/blob/blob-pool.ts';
import { gatheredLookUps } from '../../../core/copy/blob/gathered-index.ts';
import type { ProcessDependencies } from '../../../core/jobs/process-message.ts';
import type { JobMessage } from '../../../core/jobs/record.ts';
import type { ImageKey } from '../../../core/mapping/record.ts';
import type { Digest } from '../../../core/oci/digest.ts';
import { runBatch } from '../../../lambda/mirror/batch.ts';
import { MirrorJobs, upstreamError } from '../../support/mirror-jobs.ts';
import { type SeededImage, seededImage } from '../../support/seeded-image.ts';

/** Numbers in [0, 1) from a seed (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The image of each of ten jobs. All images of a repository share a layer. */
const kinds = [
  ...['good-1', 'good-2', 'good-3', 'good-4', 'elsewhere-1', 'elsewhere-2'],
  ...['malicious', 'crashes', 'superseded', 'waits'],
] as const;
type Kind = (typeof kinds)[number];

interface Job {
  kind: Kind;
  key: ImageKey;
  image: SeededImage;
  message: JobMessage;
}

describe('ten jobs in one invocation', () => {
  let jobs: MirrorJobs;
  beforeAll(async () => {
    jobs = await MirrorJobs.start();
  });
  beforeEach(() => jobs.reset());
  afterAll(() => jobs.close());

  const layerOf = ({ layers }: SeededImage) => layers[1]?.digest as Digest;
  const newerOf = ({ kind, key }: Pick<Job, 'kind' | 'key'>) =>
    seededImage({ seed: `${key.repository} ${kind} newer`, layers: [{ size: 700 }] });

  /** Pushes an image of each kind and records its job, in an order that the seed determines. */
  const prepare = async (order: () => number): Promise<Job[]> => {
    const [here, elsewhere] = [jobs.key(), jobs.key()];
    const prepared: Job[] = [];
    for (const kind of [...kinds].sort(() => order() - 0.5)) {
      const { repository } = kind.startsWith('elsewhere') ? elsewhere : here;
      const key = jobs.key(kind, repository);
      const layers = [{ size: 2_000, seed: 'base' }, { size: 500 }];
      const image = seededImage({ seed: `${repository} ${kind}`, layers });
      jobs.push(key, image);
      prepared.push({ kind, key, image, message: await jobs.job(key) });
    }
    return prepared;
  };

  /** Reads per blob; every answer takes some milliseconds, and some do harm. */
  const misbehave = (prepared: Job[], delayMs: () => number) => {
    const reads = new Map<Digest, number>();
    const of = (kind: Kind) => prepared.find((job) => job.kind === kind) as Job;
    const overtaken = new Set<Digest>();
    jobs.upstreamChanges = {
      manifest: async (reference, options) => {
        await sleep(delayMs());
        if (reference === 'crashes') throw new TypeError('a bug');
        if (reference === 'waits') throw upstreamError('UNAVAILABLE', { status: 503, temporary: true });
        const { key } = prepared.find((job) => job.key.reference === reference) as Job;
        return await jobs.upstream(key).manifest(reference, options);
      },
      blob: async (blob, options) => {
        reads.set(blob.digest, (reads.get(blob.digest) ?? 0) + 1);
        await sleep(delayMs());
        const superseded = of('superseded');
        if (blob.digest === layerOf(superseded.image) && !overtaken.has(blob.digest)) {
          overtaken.add(blob.digest);
          // Meanwhile, another invocation mirrors the tag's next push.
          jobs.push(superseded.key, newerOf(superseded));
          await jobs.run(await jobs.job(superseded.key));
        }
        const store = [...jobs.upstreams.values()].find(({ blobs }) => blobs.has(blob.digest));
        const bytes = await store?.blob(blob, options);
        if (bytes && blob.digest === layerOf(of('malicious').image)) return corrupted(bytes);
        return bytes as AsyncIterable<Uint8Array>;
      },
    };
    jobs.mirrorChanges = {};
    return reads;
  };

  async function* corrupted(bytes: AsyncIterable<Uint8Array>) {
    for await (const chunk of bytes) yield Buffer.from(chunk).reverse();
  }

  /** Runs jobs as the mirror function does; a crash is reported by its kind. */
  const runTogether = async (prepared: Job[]): Promise<Kind[]> => {
    const index = gatheredLookUps(jobs.dependencies().layerIndex);
    const shared: Partial<ProcessDependencies> = { pool: new BlobPool(), layerIndex: index };
    const failed = await runBatch(prepared.map(recordOf), {
      async run({ body }) {
        const message = JSON.parse(body) as JobMessage;
        try {
          await jobs.run(message, shared);
          return true;
        } catch {
          return false;
        }
      },
      begunAtOf: async () => '',
    });
    return failed.map(({ messageId }) => messageId as Kind);
  };
  const recordOf = ({ kind, message }: Job): SQSRecord =>
    ({
      messageId: kind,
      body: JSON.stringify(message),
      attributes: { ApproximateReceiveCount: '1' },
    }) as unknown as SQSRecord;

  /** The outcome of each job, its tag in the mirror, and its mapping. */
  const outcomes = async (prepared: Job[]) => {
    const all: Record<string, unknown> = {};
    for (const job of prepared) {
      const { state, error, attempts } = await jobs.record(job.message);
      const holds = (digest: unknown) =>
        digest === job.image.manifest.digest
          ? 'the image'
          : digest === newerOf(job).manifest.digest
            ? 'the newer image'
            : digest;
      const mapping = await jobs.mapping(job.key);
      const tag = jobs.mirror(job.key).tags.get(job.key.reference);
      all[job.kind] = {
        state,
        code: error?.code,
        attempts,
        mapping: holds(mapping?.digest),
        tag: holds(tag),
      };
    }
    return all;
  };

  const good = { state: 'committed', code: undefined, attempts: 1, mapping: 'the image', tag: 'the image' };
  const nothing = { attempts: 1, mapping: undefined, tag: undefined };
  const expected = {
    ...Object.fromEntries(kinds.slice(0, 6).map((kind) => [kind, good])),
    malicious: { ...nothing, state: 'failed', code: 'DIGEST_INVALID' },
    crashes: { ...nothing, state: 'copying', code: 'internal' },
    superseded: { ...good, state: 'superseded', mapping: 'the newer image', tag: 'the newer image' },
    waits: { ...nothing, attempts: 1, state: 'waiting', code: 'UNAVAILABLE' },
  };

  it('have these outcomes when each runs alone', async () => {
    const prepared = await prepare(random(0));
    misbehave(prepared, () => 0);
    const crashed: Kind[] = [];
    for (const job of prepared) crashed.push(...(await runTogether([job])));
    expect(crashed).toEqual(['crashes']);
    expect(await outcomes(prepared)).toEqual(expected);
  });

  it.each(Array.from({ length: 10 }, (_, seed) => seed + 1))(
    'end as each would alone, and copy a shared layer once per repository: seed %i',
    async (seed) => {
      const next = random(seed);
      const prepared = await prepare(next);
      const reads = misbehave(prepared, () => next() * 8);
      expect(await runTogether(prepared)).toEqual(['crashes']);
      expect(await outcomes(prepared)).toEqual(expected);
      const [base] = prepared[0]?.image.layers ?? [];
      // Repositories in memory mount nothing from each other.
      expect(reads.get(base?.digest as Digest)).toBe(2);
      expect(jobs.warnings).toEqual([]);
    },
  );
});
