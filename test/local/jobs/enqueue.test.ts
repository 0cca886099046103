import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { enqueue, NotQueuedError } from '../../../core/jobs/enqueue.ts';
import type { QueuedMessage } from '../../../core/jobs/ports.ts';
import type { ImageKey } from '../../../core/mapping/record.ts';
import { MirrorJobs } from '../../support/mirror-jobs.ts';

describe('enqueueing jobs', () => {
  let jobs: MirrorJobs;
  beforeAll(async () => {
    jobs = await MirrorJobs.start();
  });
  beforeEach(() => jobs.reset());
  afterEach(async () => {
    for (const parked of await jobs.parked()) await jobs.stores.jobs.unpark(parked);
  });
  afterAll(() => jobs.close());

  const send = (keys: ImageKey[]) =>
    enqueue(
      keys.map((key) => ({ key })),
      'webhook',
      jobs.dependencies(),
    );

  it('counts the event, then writes the record, then sends the message', async () => {
    const key = jobs.key('1.0');
    jobs.queue.refuses = ({ body }: QueuedMessage) => {
      // When the message is sent, its receiver finds the rest.
      order.push('message', body.job);
      return false;
    };
    const order: string[] = [];
    const create = vi.spyOn(jobs.stores.jobs, 'create');
    const raise = vi.spyOn(jobs.stores.mappings, 'raiseEvent');
    const [job] = await send([key]);

    expect(raise.mock.invocationCallOrder[0]).toBeLessThan(create.mock.invocationCallOrder[0] ?? 0);
    expect(order.slice(0, 2)).toEqual(['message', job?.id]);
    expect(await jobs.record({ job: job?.id ?? '' })).toEqual(job);
    expect(job).toMatchObject({ key, event: 1, state: 'queued', trigger: 'webhook', attempts: 0 });
    expect(jobs.queue.sent).toEqual([
      {
        group: `mirror/docker.io/${key.repository}`,
        body: {
          job: job?.id,
          image: key,
          event: 1,
          trigger: 'webhook',
          receivedAt: '2026-04-01T12:00:00.000Z',
        },
      },
    ]);
  });

  it('makes a job for each image, in order, each with the number of its event', async () => {
    const keys = Array.from({ length: 60 }, (_, i) => jobs.key(`v${i}`));
    const queued = await send([...keys, keys[0] as ImageKey]);
    expect(queued.map(({ key }) => key)).toEqual([...keys, keys[0]]);
    expect(queued.map(({ event }) => event)).toEqual([...Array(60).fill(1), 2]);
    expect(new Set(queued.map(({ id }) => id)).size).toBe(61);
    expect(jobs.queue.sent.map(({ body }) => body.job)).toEqual(queued.map(({ id }) => id));
    expect(await send([])).toEqual([]);
  });

  it('parks what the queue refuses for a minute, and lets the sender send it again', async () => {
    const [good, bad] = [jobs.key(), jobs.key()];
    jobs.queue.refuses = ({ body }) => body.image.repository === bad.repository;
    const sending = send([good, bad]);
    await expect(sending).rejects.toBeInstanceOf(NotQueuedError);
    await expect(sending).rejects.toThrow(/1 of 2 jobs could not be queued \(switched off\)/);

    expect(jobs.queue.sent.map(({ body }) => body.image)).toEqual([good]);
    const [parked, ...others] = await jobs.parked();
    expect(parked?.notBefore).toBe('2026-04-01T12:01:00.000Z');
    // Both were parked in case their recorder died before they were sent.
    expect(others.map(({ notBefore }) => notBefore)).toEqual(Array(2).fill('2026-04-01T12:10:00.000Z'));
    expect(await jobs.record({ job: parked?.id ?? '' })).toMatchObject({
      key: bad,
      state: 'waiting',
      notBefore: '2026-04-01T12:01:00.000Z',
    });
    // Sent again, it becomes a job of its own with the next number.
    jobs.queue.refuses = () => false;
    expect((await send([bad]))[0]).toMatchObject({ event: 2 });
  });

  it('sends the jobs whose records were written even if another job’s record was not', async () => {
    const keys = [jobs.key(), jobs.key(), jobs.key()];
    const create = jobs.stores.jobs.create.bind(jobs.stores.jobs);
    vi.spyOn(jobs.stores.jobs, 'create').mockImplementation((job) =>
      job.key === keys[1] ? Promise.reject(new Error('throttled')) : create(job),
    );
    await expect(send(keys)).rejects.toThrow('throttled');
    expect(jobs.queue.sent.map(({ body }) => body.image)).toEqual([keys[0], keys[2]]);
  });
});
