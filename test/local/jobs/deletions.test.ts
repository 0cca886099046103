import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Config } from '../../../core/config/config.ts';
import { requestChange } from '../../../core/jobs/changes/request-change.ts';
import { enqueue } from '../../../core/jobs/enqueue.ts';
import type { JobMessage, JobRecord } from '../../../core/jobs/record.ts';
import { redrive } from '../../../core/jobs/recovery/redrive.ts';
import { resendDue } from '../../../core/jobs/resend.ts';
import { formatImageKey, type ImageKey } from '../../../core/mapping/record.ts';
import { jobsConfig, MirrorJobs, upstreamError } from '../../support/mirror-jobs.ts';
import { seededImage } from '../../support/seeded-image.ts';
import { SeededTurns } from '../../support/seeded-turns.ts';

const image = (seed: string) => seededImage({ seed, layers: [{ size: 200 }] });
const [red, blue] = [image('red'), image('blue')];

/** The rules of these tests, all of which follow deletions. */
const config: Config = {
  ...jobsConfig,
  upstreams: jobsConfig.upstreams.map((upstream) => ({
    ...upstream,
    repositories: upstream.repositories.map((rule) => ({ ...rule, deleted: 'unmap' })),
  })),
};

describe('a deletion that a sender reports', () => {
  let jobs: MirrorJobs;
  beforeAll(async () => {
    jobs = await MirrorJobs.start();
  });
  let days = 0;
  beforeEach(() => {
    jobs.reset();
    // What closed the upstream in an earlier test is over.
    jobs.now = new Date(jobs.now.getTime() + ++days * 24 * 3_600_000);
  });
  afterEach(async () => {
    for (const parked of await jobs.parked()) await jobs.stores.jobs.unpark(parked);
  });
  afterAll(() => jobs.close());

  /** Queues the job of a deletion, as the webhook function does. */
  const reported = async (key: ImageKey, toldDigest?: string): Promise<JobMessage> => {
    jobs.queue.sent = [];
    await enqueue([{ key, toldDigest }], 'deletion', { ...jobs.dependencies(), config });
    const [message] = jobs.queue.sent;
    if (!message) throw new Error('nothing was queued');
    return message.body;
  };
  const run = async (message: JobMessage, changes: Partial<{ config: Config }> = {}): Promise<JobRecord> => {
    await jobs.run(message, { config, ...changes });
    return await jobs.record(message);
  };
  const remove = (key: ImageKey) => jobs.upstream(key).tags.delete(key.reference);
  const sibling = (key: ImageKey, reference: string): ImageKey => ({ ...key, reference });
  const digestOf = async (key: ImageKey) => (await jobs.mapping(key))?.digest;

  it('removes the mapping of a tag that is gone, and tells others; the mirror keeps the image', async () => {
    const key = jobs.key();
    await jobs.mirrored(key, red);
    remove(key);
    jobs.notified = [];
    expect(await run(await reported(key))).toMatchObject({
      state: 'satisfied',
      trigger: 'deletion',
      reason: {
        code: 'deleted_upstream',
        message: expect.stringContaining(`no longer has ${formatImageKey(key)}`),
      },
    });
    expect(await jobs.mapping(key)).toBeUndefined();
    expect(jobs.mirror(key).tags.get(key.reference)).toBe(red.manifest.digest);
    const [entry] = await jobs.stores.mappings.history(key);
    expect(entry?.removed).toEqual({ reason: 'deleted_upstream', at: jobs.now.toISOString() });
    expect(jobs.notified).toMatchObject([
      { type: 'dev.drayage.mapping.removed.v1', data: { reason: 'deleted_upstream' } },
    ]);
    // The digest stays known for the history, and a second event changes nothing.
    expect(await digestOf({ ...key, reference: red.manifest.digest })).toBe(red.manifest.digest);
    expect(await run(await reported(key))).toMatchObject({ reason: { code: 'deleted_upstream' } });
    expect(jobs.notified).toHaveLength(1);
  });

  it('of a manifest concerns the tags that are mapped to it, and no others', async () => {
    const key = jobs.key('1');
    const [also, other] = [sibling(key, 'also'), sibling(key, 'other')];
    await jobs.mirrored(key, red);
    await jobs.mirrored(also, red);
    await jobs.mirrored(other, blue);
    const asked: string[] = [];
    const { tagDigest } = jobs.upstreamChanges;
    jobs.upstreamChanges = {
      tagDigest: async (tag, options) => {
        asked.push(tag);
        return tagDigest?.(tag, options) ?? jobs.upstream(key).tags.get(tag);
      },
    };
    for (const each of [key, also, other]) remove(each);
    const deleted = { ...key, reference: red.manifest.digest };
    expect(await run(await reported(deleted))).toMatchObject({ reason: { code: 'deleted_upstream' } });
    expect(asked.sort()).toEqual(['1', 'also']);
    expect([await digestOf(key), await digestOf(also)]).toEqual([undefined, undefined]);
    expect(await digestOf(other)).toBe(blue.manifest.digest);
  });

  it('of many manifests reads the tags of the repository once', async () => {
    const key = jobs.key();
    const images = ['p', 'q', 'r'].map(image);
    const keys = images.map((_, n) => sibling(key, `n${n}`));
    for (const [n, each] of images.entries()) await jobs.mirrored(keys[n] ?? key, each);
    const messages: JobMessage[] = [];
    for (const [n, { manifest }] of images.entries()) {
      remove(keys[n] ?? key);
      messages.push(await reported(sibling(key, manifest.digest)));
    }
    jobs.now = new Date(jobs.now.getTime() + 1_000);
    const lists = vi.spyOn(jobs.stores.mappings, 'mappedTags');
    for (const message of messages) expect(await run(message)).toMatchObject({ state: 'satisfied' });
    expect(lists).toHaveBeenCalledTimes(1);
    for (const each of keys) expect(await jobs.mapping(each)).toBeUndefined();
    // What was mapped after that list was begun is in none that an event after it uses.
    jobs.now = new Date(jobs.now.getTime() + 1_000);
    await jobs.mirrored(key, red);
    remove(key);
    jobs.now = new Date(jobs.now.getTime() + 1_000);
    await run(await reported(sibling(key, red.manifest.digest)));
    expect(await jobs.mapping(key)).toBeUndefined();
    lists.mockRestore();
  });

  it('of one tag also concerns the others of the digest that it names', async () => {
    const key = jobs.key('1');
    const also = sibling(key, 'also');
    await jobs.mirrored(key, red);
    await jobs.mirrored(also, red);
    remove(also);
    expect(await run(await reported(key, red.manifest.digest))).toMatchObject({ state: 'satisfied' });
    expect([await digestOf(key), await digestOf(also)]).toEqual([red.manifest.digest, undefined]);
  });

  it('is looked at once more where the tag is still there, and then followed', async () => {
    const key = jobs.key();
    await jobs.mirrored(key, red);
    expect(await run(await reported(key))).toMatchObject({ state: 'satisfied', digest: red.manifest.digest });
    expect(await digestOf(key)).toBe(red.manifest.digest);
    remove(key);
    jobs.now = new Date(jobs.now.getTime() + 60_000);
    jobs.queue.sent = [];
    await resendDue({ config, jobs: jobs.stores.jobs, queue: jobs.queue }, jobs.now);
    const due = jobs.queue.sent.map(({ body }) => body);
    const [look, ...others] = due.filter(({ image: found }) => formatImageKey(found) === formatImageKey(key));
    expect([look?.image, look?.trigger, others]).toEqual([key, 'recheck', []]);
    if (look) expect(await run(look)).toMatchObject({ reason: { code: 'deleted_upstream' } });
    expect(await jobs.mapping(key)).toBeUndefined();
  });

  it('is no event that the job of a push would leave its look to', async () => {
    const key = jobs.key();
    await jobs.mirrored(key, red);
    const push = await jobs.job(key);
    jobs.push(key, blue);
    const deletion = await reported(key);
    expect(await run(push)).toMatchObject({ state: 'committed', digest: blue.manifest.digest });
    expect(await run(deletion)).toMatchObject({ state: 'satisfied' });
    expect(await digestOf(key)).toBe(blue.manifest.digest);
  });

  it('leaves a pinned tag where it is', async () => {
    const key = jobs.key();
    await jobs.mirrored(key, red);
    await requestChange({ key, change: { kind: 'pin' } }, { ...jobs.dependencies(), now: () => jobs.now });
    await jobs.run(jobs.queue.sent.at(-1)?.body as JobMessage);
    remove(key);
    expect(await run(await reported(key))).toMatchObject({
      state: 'superseded',
      reason: { code: 'pinned' },
    });
    await run(await reported({ ...key, reference: red.manifest.digest }));
    expect(await digestOf(key)).toBe(red.manifest.digest);
  });

  it('changes nothing where the rule, as it is now, keeps what is deleted', async () => {
    const key = jobs.key();
    await jobs.mirrored(key, red);
    remove(key);
    const message = await reported(key);
    expect(await run(message, { config: jobsConfig })).toMatchObject({ state: 'satisfied' });
    const none = { ...config, upstreams: [] };
    expect(await run(await reported(key), { config: none })).toMatchObject({ state: 'satisfied' });
    expect(await digestOf(key)).toBe(red.manifest.digest);
  });

  it.each([
    ['does not answer', upstreamError('UNAVAILABLE', { status: 503, temporary: true }), 'waiting'],
    ['limits its rate', upstreamError('TOOMANYREQUESTS', { status: 429, temporary: true }), 'waiting'],
    [
      'answers 404 through somebody else',
      upstreamError('ANSWER_INVALID', { status: 404, temporary: true }),
      'waiting',
    ],
    ['refuses the login', upstreamError('DENIED', { status: 403 }), 'failed'],
  ])('removes nothing if the upstream %s; the job is %s', async (_, error, state) => {
    const key = jobs.key();
    await jobs.mirrored(key, red);
    remove(key);
    jobs.upstreamChanges = {
      tagDigest: async () => {
        throw error;
      },
    };
    const message = await reported(key);
    expect(await run(message)).toMatchObject({ state, error: { code: error.code } });
    expect(await digestOf(key)).toBe(red.manifest.digest);
    // What failed is tried again as what it was.
    jobs.upstreamChanges = {};
    await jobs.stores.jobs.update(message.job, { state: 'failed' });
    jobs.queue.sent = [];
    const query = { state: 'failed' as const, image: formatImageKey(key), limit: 10 };
    const { jobs: again } = await redrive(query, { ...jobs.dependencies(), config });
    expect(again).toMatchObject([{ trigger: 'deletion', key }]);
    jobs.now = new Date(jobs.now.getTime() + 7 * 3_600_000);
    await run(jobs.queue.sent[0]?.body as JobMessage);
    expect(await jobs.mapping(key)).toBeUndefined();
  });

  it('and a push of the same tag agree with the upstream, in whatever order', async () => {
    for (let seed = 0; seed < 15; seed += 1) {
      const key = jobs.key();
      await jobs.mirrored(key, red);
      remove(key);
      const deletion = await reported(key);
      const mappings = new SeededTurns(seed).inTurns(jobs.stores.mappings);
      const push = async () => {
        jobs.push(key, blue);
        await jobs.run(await jobs.job(key), { config, mappings });
      };
      await Promise.all([jobs.run(deletion, { config, mappings }), push()]);
      expect(await digestOf(key), `seed ${seed}`).toBe(blue.manifest.digest);
    }
  }, 240_000);
});
