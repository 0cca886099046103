import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DynamoLayerLeases } from '../../../core/aws/dynamodb/layer-leases.ts';
import type { LayerMessage } from '../../../core/jobs/ports.ts';
import { type JobMessage, newJobId } from '../../../core/jobs/record.ts';
import {
  type DeadLetterQueue,
  settleDeadJobs,
  settleDeadLayers,
} from '../../../core/jobs/recovery/dead-letters.ts';
import { digestOf } from '../../../core/oci/digest.ts';
import { parseLayerMessage } from '../../../lambda/layer/message.ts';
import { parseMessage } from '../../../lambda/mirror/message.ts';
import { MirrorJobs } from '../../support/mirror-jobs.ts';
import { seededImage } from '../../support/seeded-image.ts';

const image = seededImage({ seed: 'dead', layers: [{ size: 500 }] });

const letterId = 'letter';

/** A dead-letter queue that holds these, each hidden once it is received. */
function lettersOf(...bodies: string[]) {
  const left = new Set(bodies);
  const waiting = [...bodies];
  const queue: DeadLetterQueue = {
    receive: async () =>
      waiting
        .splice(0, 2)
        .map((body) => ({ id: letterId, body, remove: async () => void left.delete(body) })),
  };
  return { queue, left };
}

describe('messages that crashed too often', () => {
  let jobs: MirrorJobs;
  beforeAll(async () => {
    jobs = await MirrorJobs.start();
  });
  beforeEach(() => jobs.reset());
  afterAll(() => jobs.close());
  const deps = () => ({ ...jobs.dependencies(), leases: new DynamoLayerLeases(jobs.stores.table) });
  const settle = async (...messages: (JobMessage | string)[]) => {
    const bodies = messages.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)));
    const { queue, left } = lettersOf(...bodies);
    return { ...(await settleDeadJobs(queue, parseMessage, deps())), left: [...left] };
  };

  it('fail their job, with the reason, and are deleted', async () => {
    const message = await jobs.job(jobs.key());
    const bug = new TypeError('x is not a function');
    const crash = jobs.run(message, {
      delivery: letterId,
      openUpstream: async () => {
        throw bug;
      },
    });
    await expect(crash).rejects.toBe(bug);
    const { failed, left, problems } = await settle(message);
    expect({ failed: failed.map(({ id }) => id), left, problems }).toEqual({
      failed: [message.job],
      left: [],
      problems: [],
    });
    expect(await jobs.record(message)).toMatchObject({
      state: 'failed',
      finishedAt: jobs.now.toISOString(),
      error: {
        code: 'crashed',
        message: 'given up after 1 attempts that crashed: an unexpected error ended the attempt: TypeError',
        remedy: expect.stringContaining('drayage redrive'),
      },
    });
    expect(jobs.notified.map(({ type }) => type)).toEqual(['dev.drayage.image.failed.v1']);
    expect(await jobs.run(message), 'the message of a failed job').toEqual({ state: 'gone' });
  });

  it('say so when the function died without an error', async () => {
    const message = await jobs.job(jobs.key());
    await jobs.stores.jobs.begin(message.job, jobs.now.toISOString(), letterId);
    await settle(message);
    expect((await jobs.record(message)).error?.message).toContain('out of memory');
  });

  it('send a job again that could not even begin, for three days', async () => {
    const message = await jobs.job(jobs.key());
    expect(await settle(message)).toMatchObject({ failed: [], sentAgain: 1, left: [] });
    expect(jobs.queue.sent.map(({ body }) => body)).toEqual([message]);
    expect((await jobs.record(message)).state).toBe('queued');

    jobs.now = new Date(jobs.now.getTime() + 73 * 3_600_000);
    expect(await settle(message)).toMatchObject({ sentAgain: 0, left: [] });
    expect((await jobs.record(message)).state).toBe('failed');
  });

  it('leave a job alone while another message of its may be at work on it', async () => {
    const message = await jobs.job(jobs.key());
    await jobs.stores.jobs.begin(message.job, jobs.now.toISOString(), letterId);
    await jobs.stores.jobs.begin(message.job, jobs.now.toISOString(), 'another');
    expect(await settle(message)).toMatchObject({ failed: [], sentAgain: 0, left: [], problems: [] });
    expect((await jobs.record(message)).state).toBe('copying');
    // The watch would have sent it again long ago: that message, too, is dead.
    jobs.now = new Date(jobs.now.getTime() + 31 * 60_000);
    await settle(message);
    expect((await jobs.record(message)).state).toBe('failed');
  });

  it('fail a job in the end whose messages all crash, whichever began last', async () => {
    const message = await jobs.job(jobs.key());
    for (let attempt = 1; attempt <= 25; attempt += 1)
      await jobs.stores.jobs.begin(message.job, jobs.now.toISOString(), `message-${attempt}`);
    expect(await settle(message)).toMatchObject({ failed: [{ id: message.job }] });
  });

  it('leave a job alone whose layers are on their way', async () => {
    const message = await jobs.job(jobs.key());
    await jobs.stores.jobs.begin(message.job, jobs.now.toISOString(), 'another');
    const notBefore = new Date(jobs.now.getTime() + 3_600_000).toISOString();
    await jobs.stores.jobs.update(message.job, { notBefore });
    jobs.now = new Date(jobs.now.getTime() + 31 * 60_000);
    expect(await settle(message)).toMatchObject({ failed: [], left: [] });
    expect((await jobs.record(message)).state).toBe('copying');
  });

  it('stay while the queue refuses the job', async () => {
    const message = await jobs.job(jobs.key());
    jobs.queue.refuses = () => true;
    const { left, problems } = await settle(message);
    expect({ left: left.length, problems: problems.length }).toEqual({ left: 1, problems: 1 });
    jobs.queue.refuses = () => false;
  });

  it('change nothing about a job that has ended or waits', async () => {
    const key = jobs.key();
    jobs.push(key, image);
    const done = await jobs.job(key);
    await jobs.run(done);
    const waiting = await jobs.job(jobs.key());
    await jobs.stores.jobs.update(waiting.job, { state: 'waiting', notBefore: '2026-04-02T00:00:00.000Z' });
    expect(await settle(done, waiting)).toMatchObject({ failed: [], sentAgain: 0, left: [] });
    expect((await jobs.record(done)).state).toBe('committed');
    expect((await jobs.record(waiting)).state).toBe('waiting');
  });

  it('give a job a record whose own is lost', async () => {
    const message = { ...(await jobs.job(jobs.key())), job: newJobId(jobs.now.getTime()) };
    expect(await settle(message)).toMatchObject({ sentAgain: 1 });
    expect(await jobs.record(message)).toMatchObject({ state: 'queued', key: message.image });
  });

  it('stay if they are not jobs, and hold up no others', async () => {
    const message = await jobs.job(jobs.key());
    const { left, problems, sentAgain } = await settle('{"job":1}', 'nonsense', message);
    expect({ left, sentAgain }).toEqual({ left: ['{"job":1}', 'nonsense'], sentAgain: 1 });
    expect(problems).toHaveLength(2);
  });

  it('of a layer fail its image, and free the layer', async () => {
    const message = await jobs.job(jobs.key());
    await jobs.stores.jobs.begin(message.job, jobs.now.toISOString());
    const layer = { mediaType: 'application/x', digest: digestOf(Buffer.from('layer')), size: 5 };
    const place = { repository: `mirror/docker.io/${message.image.repository}`, layer: layer.digest };
    const { leases } = deps();
    await leases.queue(place, 600_000, jobs.now);
    const letter: LayerMessage = { job: message.job, layer, layers: [layer] };
    const { queue, left } = lettersOf(JSON.stringify(letter));
    const { failed } = await settleDeadLayers(queue, parseLayerMessage, deps());
    expect(failed.map(({ id }) => id)).toEqual([message.job]);
    expect([...left]).toEqual([]);
    expect((await jobs.record(message)).error).toMatchObject({
      code: 'crashed',
      message: `given up: the attempts to copy its layer ${layer.digest} of 5 bytes crashed`,
    });
    expect(await leases.held(place.repository, [layer.digest], jobs.now)).toEqual(new Set());
  });
});
