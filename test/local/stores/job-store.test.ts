import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type JobRecord, type JobState, newJobId } from '../../../core/jobs/record.ts';
import { keyOf, type LocalStores, startStores } from '../../support/local-stores.ts';

/** A queued job. */
function jobOf(more: Partial<JobRecord> = {}): JobRecord {
  return {
    id: newJobId(),
    key: keyOf('1.27'),
    event: 1,
    state: 'queued',
    trigger: 'webhook',
    receivedAt: '2026-04-01T12:00:00.000Z',
    attempts: 0,
    ...more,
  };
}

describe('the job store on DynamoDB', () => {
  let stores: LocalStores;
  beforeAll(async () => {
    stores = await startStores();
  });
  afterAll(() => stores.close());
  const created = async (more?: Partial<JobRecord>) => {
    const job = jobOf(more);
    await stores.jobs.create(job);
    return job;
  };

  it('returns a job as it was created', async () => {
    const job = await created({
      notBefore: '2026-04-01T12:01:00.000Z',
      error: { code: 'X', side: 'mirror', message: 'm', remedy: 'r' },
      transfer: {
        copied: { blobs: 1, bytes: 2 },
        mounted: { blobs: 0, bytes: 0 },
        present: { blobs: 3, bytes: 4 },
      },
    });
    expect(await stores.jobs.read(job.id)).toEqual(job);
  });

  it('knows nothing of other ids, whatever their form', async () => {
    for (const id of [newJobId(), '', 'no-job', '../../etc/passwd', 'z'.repeat(26), '8'.padEnd(26, '0')]) {
      expect(await stores.jobs.read(id)).toBeUndefined();
      expect(await stores.jobs.begin(id, '2026-04-01T12:00:00.000Z')).toBeUndefined();
    }
    expect(await stores.jobs.update(newJobId(), { attempts: 3 })).toBe(false);
    await expect(stores.jobs.create(jobOf({ id: 'no-job' }))).rejects.toThrow('no-job is not a job ID');
  });

  it('leaves an existing job as it is', async () => {
    const job = await created();
    await stores.jobs.update(job.id, { state: 'failed' });
    await stores.jobs.create(job);
    expect((await stores.jobs.read(job.id))?.state).toBe('failed');
  });

  it('records that an attempt begins', async () => {
    const job = await created({ state: 'waiting', notBefore: '2026-04-01T12:01:00.000Z' });
    const begun = await stores.jobs.begin(job.id, '2026-04-01T12:02:00.000Z');
    const { notBefore: _, ...rest } = job;
    expect(begun).toEqual({
      ...rest,
      begunAt: '2026-04-01T12:02:00.000Z',
      state: 'copying',
      attempts: 1,
      startedAt: '2026-04-01T12:02:00.000Z',
    });
    // The first start is the one reported; every attempt counts.
    expect(await stores.jobs.begin(job.id, '2026-04-01T12:03:00.000Z')).toMatchObject({
      attempts: 2,
      startedAt: '2026-04-01T12:02:00.000Z',
      begunAt: '2026-04-01T12:03:00.000Z',
    });
  });

  it('counts attempts that begin at once', async () => {
    const job = await created();
    await Promise.all(
      Array.from({ length: 10 }, () => stores.jobs.begin(job.id, '2026-04-01T12:00:00.000Z')),
    );
    expect((await stores.jobs.read(job.id))?.attempts).toBe(10);
  });

  it('counts one failed layer per round, however many fail at once', async () => {
    const job = await created({ state: 'copying' });
    const fail = () => Promise.all(Array.from({ length: 10 }, () => stores.jobs.addLayerFailure(job.id)));
    expect((await fail()).filter((count) => count !== undefined)).toEqual([1]);
    expect(await stores.jobs.read(job.id)).toMatchObject({ state: 'waiting', layerFailures: 1 });
    await stores.jobs.begin(job.id, '2026-04-01T12:00:00.000Z');
    expect((await fail()).filter((count) => count !== undefined)).toEqual([2]);

    await stores.jobs.update(job.id, { state: 'failed' });
    expect(await stores.jobs.addLayerFailure(job.id)).toBeUndefined();
    expect(await stores.jobs.read(job.id)).toMatchObject({ state: 'failed', layerFailures: 2 });
    expect(await stores.jobs.addLayerFailure(newJobId())).toBeUndefined();
  });

  it('changes and removes fields, and keeps the others', async () => {
    const job = await created({ notBefore: '2026-04-01T12:01:00.000Z' });
    expect(
      await stores.jobs.update(job.id, {
        state: 'copying',
        notBefore: undefined,
        progress: { blobs: 1, totalBlobs: 2, bytes: 3, totalBytes: 4 },
      }),
    ).toBe(true);
    const { notBefore: _, ...rest } = job;
    expect(await stores.jobs.read(job.id)).toEqual({
      ...rest,
      state: 'copying',
      progress: { blobs: 1, totalBlobs: 2, bytes: 3, totalBytes: 4 },
    });
    expect(await stores.jobs.update(job.id, { error: undefined })).toBe(true);
    expect(await stores.jobs.update(job.id, {})).toBe(true);
  });

  it('adds to the progress, whoever writes at the same time, once there is one', async () => {
    const job = await created({ state: 'copying' });
    await stores.jobs.addProgress(job.id, { blobs: 1, bytes: 5 });
    expect((await stores.jobs.read(job.id))?.progress).toBeUndefined();
    const progress = { blobs: 1, totalBlobs: 20, bytes: 100, totalBytes: 4_000 };
    await stores.jobs.update(job.id, { progress });
    await Promise.all(
      Array.from({ length: 10 }, () => stores.jobs.addProgress(job.id, { blobs: 1, bytes: 30 })),
    );
    await stores.jobs.addProgress(job.id, { blobs: 0, bytes: -60 });
    const copied = { ...progress, blobs: 11, bytes: 340 };
    expect((await stores.jobs.read(job.id))?.progress).toEqual(copied);

    await stores.jobs.update(job.id, { state: 'failed' });
    await stores.jobs.addProgress(job.id, { blobs: 1, bytes: 30 });
    await stores.jobs.addProgress(newJobId(), { blobs: 1, bytes: 30 });
    expect((await stores.jobs.read(job.id))?.progress).toEqual(copied);
  });

  it.each<JobState>(['committed', 'satisfied', 'superseded', 'failed'])(
    'changes nothing of a job that is %s',
    async (state) => {
      const job = await created();
      expect(await stores.jobs.update(job.id, { state, finishedAt: '2026-04-01T12:00:09.000Z' })).toBe(true);
      const finished = await stores.jobs.read(job.id);

      expect(await stores.jobs.update(job.id, { state: 'queued', attempts: 9 })).toBe(false);
      expect(await stores.jobs.begin(job.id, '2026-04-01T12:01:00.000Z')).toBeUndefined();
      expect(await stores.jobs.read(job.id)).toEqual(finished);
    },
  );

  it('lets one of several ends of a job count', async () => {
    const job = await created();
    const ends = await Promise.all(
      (['committed', 'failed', 'superseded'] as const).map((state) => stores.jobs.update(job.id, { state })),
    );
    expect(ends.filter(Boolean)).toHaveLength(1);
  });

  describe('the parking place', () => {
    const at = (minute: number) => `2026-04-01T12:${String(minute).padStart(2, '0')}:00.000Z`;

    it('returns the jobs that are due, the longest due first', async () => {
      const [a, b, c, d] = [newJobId(1), newJobId(2), newJobId(3), newJobId(4)];
      await stores.jobs.park({ id: c }, at(3));
      await stores.jobs.park({ id: a }, at(1));
      await stores.jobs.park({ id: d }, at(5));
      await stores.jobs.park({ id: b }, at(2));

      expect(await stores.jobs.due(at(0), 10)).toEqual([]);
      // Due right now is due.
      expect((await stores.jobs.due(at(3), 10)).map(({ id }) => id)).toEqual([a, b, c]);
      expect((await stores.jobs.due(at(9), 2)).map(({ id }) => id)).toEqual([a, b]);

      await stores.jobs.unpark({ id: a, notBefore: at(1) });
      await stores.jobs.unpark({ id: a, notBefore: at(1) }); // repeating it does no harm
      expect(await stores.jobs.due(at(9), 1)).toEqual([{ id: b, notBefore: at(2) }]);
      for (const parked of await stores.jobs.due(at(9), 10)) await stores.jobs.unpark(parked);
    });

    it('keeps a job that is parked for two times at both', async () => {
      const id = newJobId();
      await stores.jobs.park({ id }, at(1));
      await stores.jobs.park({ id }, at(2));
      await stores.jobs.unpark({ id, notBefore: at(1) });
      expect(await stores.jobs.due(at(9), 10)).toEqual([{ id, notBefore: at(2) }]);
      await stores.jobs.unpark({ id, notBefore: at(2) });
    });

    it('accepts several jobs for one moment', async () => {
      const ids = Array.from({ length: 5 }, (_, i) => newJobId(i));
      await Promise.all(ids.map((id) => stores.jobs.park({ id }, at(7))));
      const due = await stores.jobs.due(at(7), 10);
      expect(due.map(({ id }) => id)).toEqual(ids);
      await Promise.all(due.map((parked) => stores.jobs.unpark(parked)));
      expect(await stores.jobs.due(at(9), 10)).toEqual([]);
    });
  });
});
