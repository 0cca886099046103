import { beforeEach, describe, expect, it, vi } from 'vitest';
import { DynamoLayerLeases } from '../../../core/aws/dynamodb/layer-leases.ts';
import { enqueue } from '../../../core/jobs/enqueue.ts';
import { type FannedOut, newJobId } from '../../../core/jobs/record.ts';
import { resendDue, resendUnfinished } from '../../../core/jobs/resend.ts';
import { digestOf } from '../../../core/oci/digest.ts';
import { jobsConfig, MirrorJobs } from '../../support/mirror-jobs.ts';

describe('sending jobs again', () => {
  let jobs: MirrorJobs;
  // A table for each test: due and unfinished jobs are looked for in all of it.
  beforeEach(async () => {
    jobs = await MirrorJobs.start();
    return () => jobs.close();
  });
  const now = new Date('2026-04-01T12:00:00.000Z');
  const at = (seconds: number) => new Date(now.getTime() + seconds * 1_000).toISOString();
  const deps = () => ({
    config: jobsConfig,
    jobs: jobs.stores.jobs,
    queue: jobs.queue,
    leases: new DynamoLayerLeases(jobs.stores.table),
  });
  const parked = async (notBefore: string) => {
    const [id, key, receivedAt] = [newJobId(now.getTime()), jobs.key(), now.toISOString()];
    const asked = { event: 1, trigger: 'webhook', receivedAt } as const;
    await Promise.all([
      jobs.stores.jobs.create({ id, key, ...asked, state: 'waiting', notBefore, attempts: 1 }),
      jobs.stores.jobs.park({ id }, notBefore),
    ]);
    return { job: id, image: key, ...asked };
  };
  const sent = () => jobs.queue.sent.map(({ body }) => body.job);

  it('takes what is due and leaves the rest', async () => {
    const [late, due, next] = [await parked(at(-60)), await parked(at(0)), await parked(at(1))];
    expect(await resendDue(deps(), now)).toEqual({ sent: 2, refused: 0 });
    expect(jobs.queue.sent.map(({ body }) => body)).toEqual([late, due]);
    expect((await jobs.parked()).map(({ id }) => id)).toEqual([next.job]);
    const record = await jobs.record(late);
    expect(record.state).toBe('queued');
    expect(record.notBefore).toBeUndefined();
    expect(await resendDue(deps(), now)).toEqual({ sent: 0, refused: 0 });
  });

  it('takes more than one round holds', async () => {
    const messages = await Promise.all(Array.from({ length: 105 }, (_, i) => parked(at(-i))));
    expect(await resendDue(deps(), now)).toEqual({ sent: 105, refused: 0 });
    expect(sent().sort()).toEqual(messages.map(({ job }) => job).sort());
    expect(await jobs.parked()).toEqual([]);
  });

  it('sends a job whose recorder died before it was sent', async () => {
    const [id, key, receivedAt] = [newJobId(now.getTime()), jobs.key(), now.toISOString()];
    await jobs.stores.jobs.create({
      id,
      key,
      event: 1,
      trigger: 'webhook',
      receivedAt,
      state: 'queued',
      attempts: 0,
    });
    await jobs.stores.jobs.park({ id }, at(-1));
    expect(await resendDue(deps(), now)).toEqual({ sent: 1, refused: 0 });
    expect(sent()).toEqual([id]);
    expect(await jobs.parked()).toEqual([]);
  });

  it('leaves a job alone that was parked again for later', async () => {
    const later = await parked(at(600));
    await jobs.stores.jobs.park({ id: later.job }, at(-1));
    expect(await resendDue(deps(), now)).toEqual({ sent: 0, refused: 0 });
    expect((await jobs.record(later)).state).toBe('waiting');
    expect((await jobs.parked()).map(({ notBefore }) => notBefore)).toEqual([at(600)]);
  });

  it('sends a job that runs only at the time that it was last parked for', async () => {
    const looked = await jobs.job(jobs.key());
    await jobs.stores.jobs.begin(looked.job, at(-100));
    for (const notBefore of [at(-60), at(-30), at(-10)]) {
      await jobs.stores.jobs.update(looked.job, { notBefore });
      await jobs.stores.jobs.park({ id: looked.job }, notBefore);
    }
    const running = await jobs.job(jobs.key());
    await jobs.stores.jobs.park({ id: running.job }, at(-60));
    await jobs.stores.jobs.begin(running.job, at(-50));
    expect(await resendDue(deps(), now)).toEqual({ sent: 1, refused: 0 });
    expect(sent()).toEqual([looked.job]);
    expect(await jobs.parked()).toEqual([]);
    expect((await jobs.record(looked)).state).toBe('copying');
  });

  it('sends a job that is parked twice once', async () => {
    const message = await jobs.job(jobs.key());
    for (const seconds of [-2, -1]) await jobs.stores.jobs.park({ id: message.job }, at(seconds));
    expect(await resendDue(deps(), now)).toEqual({ sent: 1, refused: 0 });
    expect(sent()).toEqual([message.job]);
    expect(await jobs.parked()).toEqual([]);
  });

  it('drops what is finished or gone', async () => {
    const finished = await parked(at(-1));
    await jobs.stores.jobs.update(finished.job, { state: 'failed' });
    await jobs.stores.jobs.park({ id: newJobId() }, at(-1));
    expect(await resendDue(deps(), now)).toEqual({ sent: 0, refused: 0 });
    expect(sent()).toEqual([]);
    expect(await jobs.parked()).toEqual([]);
  });

  it('keeps what the queue refuses parked for the next minute', async () => {
    const [good, bad] = [await parked(at(-2)), await parked(at(-1))];
    jobs.queue.refuses = ({ body }) => body.job === bad.job;
    expect(await resendDue(deps(), now)).toEqual({ sent: 1, refused: 1 });
    expect(sent()).toEqual([good.job]);
    expect((await jobs.parked()).map(({ id }) => id)).toEqual([bad.job]);

    jobs.queue.refuses = () => false;
    expect(await resendDue(deps(), now)).toEqual({ sent: 1, refused: 0 });
    expect(sent()).toEqual([good.job, bad.job]);
  });

  it('sends twice rather than never when it dies in the middle', async () => {
    const message = await parked(at(-1));
    vi.spyOn(jobs.stores.jobs, 'unpark').mockRejectedValueOnce(new Error('died'));
    await expect(resendDue(deps(), now)).rejects.toThrow('died');
    await resendDue(deps(), now);
    expect(sent()).toEqual([message.job, message.job]);
  });

  it('does not undo what a fast worker has done meanwhile', async () => {
    const message = await parked(at(-1));
    jobs.queue.send = async () => {
      await jobs.stores.jobs.begin(message.job, now.toISOString());
      return [];
    };
    await resendDue(deps(), now);
    expect((await jobs.record(message)).state).toBe('copying');
  });

  describe('that nobody works on any more', () => {
    const later = (minutes: number) => new Date(now.getTime() + minutes * 60_000);
    const recorded = async () => {
      jobs.now = now;
      const [job] = await enqueue([{ key: jobs.key() }], 'webhook', jobs.dependencies());
      if (!job) throw new Error('no job');
      jobs.queue.sent = [];
      return job;
    };
    const watches = async () => (await jobs.stores.jobs.due('9999', 100)).map(({ notBefore }) => notBefore);

    it('happens to a queued job whose messages are lost, in growing pauses, until it is finished', async () => {
      const { id } = await recorded();
      const sentAt: number[] = [];
      for (let minute = 0; minute <= 90; minute += 1) {
        jobs.queue.sent = [];
        await resendDue(deps(), later(minute));
        if (jobs.queue.sent.length > 0) sentAt.push(minute);
      }
      expect(sentAt).toEqual([10, 20, 40, 80]);
      expect(await watches()).toHaveLength(1);
      await jobs.stores.jobs.update(id, { state: 'committed' });
      await resendDue(deps(), later(200));
      expect(await watches()).toEqual([]);
    });

    it('happens to a running job half an hour after its attempt began', async () => {
      const { id } = await recorded();
      await jobs.stores.jobs.begin(id, later(5).toISOString());
      await resendDue(deps(), later(34));
      expect(sent()).toEqual([]);
      await resendDue(deps(), later(35));
      expect(sent()).toEqual([id]);
      expect(await watches()).toEqual([later(65).toISOString()]);
    });

    it('happens to a job that waited, was sent, and then was lost', async () => {
      const { id } = await recorded();
      await jobs.stores.jobs.update(id, { state: 'waiting', notBefore: later(60).toISOString() });
      await jobs.stores.jobs.park({ id }, later(60).toISOString());
      await resendDue(deps(), later(59));
      expect(sent()).toEqual([]);
      await resendDue(deps(), later(60));
      expect(sent()).toEqual([id]);
      await resendDue(deps(), later(70));
      expect(sent(), 'the message that was sent for the wait is lost').toEqual([id, id]);
    });

    it('happens although the schedule dies at each of its writes', async () => {
      const { id } = await recorded();
      for (const write of ['park', 'update', 'unpark'] as const) {
        vi.spyOn(jobs.stores.jobs, write).mockRejectedValueOnce(new Error('died'));
        await expect(resendDue(deps(), later(11))).rejects.toThrow('died');
      }
      await resendDue(deps(), later(11));
      jobs.queue.sent = [];
      await resendDue(deps(), later(60));
      expect(sent()).toEqual([id]);
      expect(await watches()).toHaveLength(1);
    });
  });

  it('ends when it is cancelled', async () => {
    await parked(at(-1));
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(resendDue(deps(), now, signal)).rejects.toThrow('enough');
    expect(sent()).toEqual([]);
  });

  describe('after a restart', () => {
    // Lists begin with today, whatever the clock of the test says.
    beforeEach(() => {
      jobs.now = new Date();
    });

    it('takes every job that is not finished, and no other', async () => {
      const messages = await Promise.all(Array.from({ length: 103 }, () => jobs.job(jobs.key())));
      const [waiting, copying, failed, committed] = messages;
      if (!waiting || !copying || !failed || !committed) throw new Error('no messages');
      await jobs.stores.jobs.update(waiting.job, { state: 'waiting', notBefore: at(999) });
      await jobs.stores.jobs.begin(copying.job, at(0));
      await jobs.stores.jobs.update(failed.job, { state: 'failed' });
      await jobs.stores.jobs.update(committed.job, { state: 'committed' });

      expect(await resendUnfinished(deps())).toBe(101);
      const finished = [failed.job, committed.job];
      expect(sent().sort()).toEqual(
        messages
          .map(({ job }) => job)
          .filter((job) => !finished.includes(job))
          .sort(),
      );
    });

    it('frees the layers that waited in a queue', async () => {
      const { leases } = deps();
      const [key, other] = [jobs.key(), jobs.key()];
      const message = await jobs.job(key);
      const repository = (name: string) => `mirror/docker.io/${name}`;
      const digest = digestOf(Buffer.from('layer'));
      const layers = [{ mediaType: 'application/x', digest, size: 5 }];
      await jobs.stores.jobs.update(message.job, { fannedOut: { layers } as FannedOut });
      for (const { repository: name } of [key, other])
        await leases.queue({ repository: repository(name), layer: digest }, 60_000, now);
      await resendUnfinished(deps());
      expect(await leases.held(repository(key.repository), [digest], now)).toEqual(new Set());
      expect(await leases.held(repository(other.repository), [digest], now)).toEqual(new Set([digest]));
    });

    it('says so when the queue does not accept them', async () => {
      await jobs.job(jobs.key());
      jobs.queue.refuses = () => true;
      await expect(resendUnfinished(deps())).rejects.toThrow('the queue refused 1 jobs: switched off');
    });
  });
});
