import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { DynamoRetiringStore } from '../../../core/aws/dynamodb/mappings/retiring.ts';
import { isFinished, type JobMessage } from '../../../core/jobs/record.ts';
import { type ImageKey, isDigestKey } from '../../../core/mapping/record.ts';
import type { MirrorImages } from '../../../core/registry-events/ports.ts';
import { settleLosses } from '../../../core/registry-events/settle-losses.ts';
import type { MemoryStore } from '../../support/memory-store.ts';
import { jobsConfig, MirrorJobs } from '../../support/mirror-jobs.ts';
import { seededImage } from '../../support/seeded-image.ts';
import { SeededTurns } from '../../support/seeded-turns.ts';

const image = (seed: string) => seededImage({ seed, layers: [{ size: 3_000 }] });
const [red, blue] = [image('red'), image('blue')];
const orders = Array.from({ length: 200 }, (_, seed) => seed);
const ordersAtOnce = 20;

/** What a repository in memory has lost. */
const imagesOf = (mirror: MemoryStore): MirrorImages => ({
  losses: async (_, images) =>
    images.map(({ digest, tag }) => {
      if (!mirror.manifests.has(digest)) return 'deleted';
      return tag === undefined || mirror.tags.has(tag) ? undefined : 'untagged';
    }),
});

describe('a deletion in the mirror while a job mirrors the same tag', () => {
  let jobs: MirrorJobs;
  beforeAll(async () => {
    jobs = await MirrorJobs.start();
  });
  afterAll(() => jobs.close());

  it('is no reason to read all tags if retention has deleted the image', async () => {
    const key = jobs.key('1');
    await jobs.mirrored(key, blue);
    const retiring = new DynamoRetiringStore(jobs.stores.table);
    const lists = vi.spyOn(jobs.stores.mappings, 'tagsOf');
    const settled = async ({ manifest: { digest } }: typeof red) => {
      lists.mockClear();
      const hint = { repository: `mirror/docker.io/${key.repository}`, images: [{ digest }] };
      const deps = { ...jobs.dependencies(), images: imagesOf(jobs.mirror(key)) };
      await settleLosses(hint.repository, [hint], deps);
      return lists.mock.calls.length;
    };
    expect(await settled(red), 'deleted by somebody else').toBe(1);
    const gone = { ...key, reference: red.manifest.digest };
    const { claim } = (await jobs.stores.mappings.read(gone)) ?? {};
    expect(await retiring.begin(gone, { owner: 'run', claim, until: Date.now() + 60_000 })).toBe(true);
    await retiring.end(gone, 'run');
    expect(await settled(red), 'deleted by retention').toBe(0);
    await jobs.mirrored(key, red);
    jobs.mirror(key).manifests.delete(red.manifest.digest);
    expect(await settled(red), 'mapped again').toBe(1);
    lists.mockRestore();
  });

  /** Works off an event about `red`, as often as it takes. */
  const settle = async (key: ImageKey, turns: SeededTurns, byDigest: boolean) => {
    const mirror = jobs.mirror(key);
    const named = { digest: red.manifest.digest, ...(!byDigest && { tag: key.reference }) };
    const hint = { repository: `mirror/docker.io/${key.repository}`, images: [named] };
    const deps = {
      config: jobsConfig,
      mappings: turns.inTurns(jobs.stores.mappings),
      jobs: jobs.stores.jobs,
      queue: jobs.queue,
      images: turns.inTurns(imagesOf(mirror)),
      notifier: { notify: async () => {} },
      warn: () => {},
    };
    for (;;) {
      const { failed } = await settleLosses(hint.repository, [hint], deps);
      if (failed.size === 0) return;
    }
  };

  /** Runs a job in turns with the others, as often as it takes. */
  const finish = async (message: JobMessage, turns: SeededTurns) => {
    do {
      await jobs.run(message, {
        mappings: turns.inTurns(jobs.stores.mappings),
        openMirror: async (repository, options) => {
          const opened = await jobs.dependencies().openMirror(repository, options);
          return { ...opened, destination: turns.inTurns(opened.destination) };
        },
      });
    } while (!isFinished(await jobs.record(message)));
  };

  const run = async (seed: number) => {
    const turns = new SeededTurns(seed);
    const key = jobs.key('1');
    const mirror = jobs.mirror(key);
    await jobs.mirrored(key, red);
    if (seed % 2) jobs.push(key, blue);
    const message = await jobs.job(key);
    const onlyTag = seed % 3 === 0;
    await Promise.all([
      finish(message, turns),
      // One event comes early, or is an older one.
      settle(key, turns, false),
      (async () => {
        for (let n = seed % 7; n >= 0; n--) await turns.turn();
        if (!onlyTag) mirror.manifests.delete(red.manifest.digest);
        if (onlyTag || mirror.tags.get(key.reference) === red.manifest.digest)
          mirror.tags.delete(key.reference);
        await settle(key, turns, seed % 5 === 0 && !onlyTag);
      })(),
    ]);
    const isQueued = ({ body }: { body: JobMessage }) => body.image.repository === key.repository;
    for (const { body } of jobs.queue.sent.filter(isQueued)) await finish(body, turns);
    await settle(key, turns, false);

    const mapping = await jobs.mapping(key);
    const wanted = seed % 2 ? blue : red;
    expect(mapping?.digest, `order ${seed}: the mapping`).toBe(wanted.manifest.digest);
    expect(mirror.tags.get(key.reference), `order ${seed}: the tag`).toBe(wanted.manifest.digest);
    for (const { digest } of [red.manifest, blue.manifest]) {
      const byDigest = { ...key, reference: digest };
      expect(isDigestKey(byDigest)).toBe(true);
      const isMapped = (await jobs.mapping(byDigest)) !== undefined;
      expect(isMapped, `order ${seed}: ${digest}`).toBe(mirror.manifests.has(digest));
    }
  };

  it(`ends with the mapping, the tag and the digests in agreement, in ${orders.length} orders`, {
    timeout: 600_000,
  }, async () => {
    for (let start = 0; start < orders.length; start += ordersAtOnce)
      await Promise.all(orders.slice(start, start + ordersAtOnce).map(run));
  });
});
