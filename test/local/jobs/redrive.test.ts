import { beforeEach, describe, expect, it } from 'vitest';
import type { JobRecord, JobTrigger } from '../../../core/jobs/record.ts';
import { type RedriveQuery, redrive } from '../../../core/jobs/recovery/redrive.ts';
import { formatImageKey, type ImageKey } from '../../../core/mapping/record.ts';
import { MirrorJobs } from '../../support/mirror-jobs.ts';
import { seededImage } from '../../support/seeded-image.ts';

const image = seededImage({ seed: 'again', layers: [{ size: 500 }] });

describe('trying jobs again', () => {
  let jobs: MirrorJobs;
  // A table for each test: jobs are looked for in all of it.
  beforeEach(async () => {
    jobs = await MirrorJobs.start();
    // Lists begin with today, whatever the clock of the test says.
    jobs.now = new Date();
    return () => jobs.close();
  });
  const again = (query: Partial<RedriveQuery> = {}) =>
    redrive({ state: 'failed', limit: 100, ...query }, jobs.dependencies());
  const failed = async (key: ImageKey, trigger?: JobTrigger) => {
    const message = await jobs.job(key, trigger);
    await jobs.stores.jobs.update(message.job, { state: 'failed', finishedAt: jobs.now.toISOString() });
    jobs.now = new Date(jobs.now.getTime() + 1_000);
    return message;
  };
  const namesOf = (some: JobRecord[]) => some.map(({ key }) => formatImageKey(key)).sort();
  const reasonsOf = (skipped: { reason: string }[]) => skipped.map(({ reason }) => reason.split(':')[0]);

  it('gives the image of a failed job a new one, which runs', async () => {
    const key = jobs.key();
    const old = await failed(key);
    jobs.push(key, image);
    const { jobs: queued, skipped } = await again();
    expect(queued).toMatchObject([{ key, trigger: 'redrive', state: 'queued' }]);
    expect(skipped).toEqual([]);
    const [sent] = jobs.queue.sent;
    if (sent) await jobs.run(sent.body);
    expect(await jobs.mapping(key)).toMatchObject({ digest: image.manifest.digest });
    expect((await jobs.record(old)).state, 'what happened stays on record').toBe('failed');
  });

  it('does not try again what has nothing to do', async () => {
    const mirrored = jobs.key();
    await failed(mirrored);
    await jobs.mirrored(mirrored, image);
    const underWay = jobs.key();
    await failed(underWay);
    await jobs.job(underWay);
    await failed(jobs.key('1.0', 'httpd/unnamed'));
    const pinned = await failed(jobs.key());
    await jobs.stores.jobs.create({
      ...(await jobs.record(pinned)),
      id: pinned.job.replace(/.$/, pinned.job.endsWith('0') ? '1' : '0'),
      change: { kind: 'pin' },
      trigger: 'pin',
    });
    const twice = jobs.key();
    await failed(twice);
    await failed(twice);
    const { jobs: queued, skipped } = await again();
    expect(namesOf(queued)).toEqual([formatImageKey(pinned.image), formatImageKey(twice)].sort());
    expect(reasonsOf(skipped).sort()).toEqual(
      ['change', 'mirrored', 'not_configured', 'older', 'under_way'].sort(),
    );
    const second = await again();
    expect(second.jobs, 'a second time').toEqual([]);
  });

  it('takes the jobs of an image, and of a time', async () => {
    const [first, second, third] = [jobs.key(), jobs.key(), jobs.key()];
    const times: Date[] = [];
    for (const key of [first, second, third]) {
      times.push(jobs.now);
      await failed(key);
    }
    const [, at] = times;
    const names = (...keys: ImageKey[]) => keys.map(formatImageKey).sort();
    const image = formatImageKey(third);
    expect(namesOf((await again({ image })).jobs)).toEqual(names(third));
    expect(namesOf((await again({ since: at, until: at })).jobs)).toEqual(names(second));
    expect(namesOf((await again({ until: at })).jobs)).toEqual(names(first));
  });

  it('goes through all of them, page by page, and ends', async () => {
    const keys = Array.from({ length: 7 }, () => jobs.key());
    const since = jobs.now;
    for (const key of keys) await failed(key);
    const found: string[] = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const page = await again({ limit: 3, since, ...(cursor !== undefined && { cursor }) });
      found.push(...namesOf(page.jobs));
      cursor = page.cursor;
      pages += 1;
    } while (cursor !== undefined && pages < 10);
    expect(found.sort()).toEqual(keys.map(formatImageKey).sort());
    expect(pages).toBeLessThanOrEqual(4);
  });

  it('lets a job that waits run now', async () => {
    const message = await jobs.job(jobs.key());
    await jobs.stores.jobs.update(message.job, { state: 'waiting', notBefore: '2099-01-01T00:00:00.000Z' });
    const { jobs: queued } = await again({ state: 'waiting' });
    expect(queued).toMatchObject([{ id: message.job, state: 'queued' }]);
    expect(jobs.queue.sent.map(({ body }) => body)).toEqual([message]);
    const record = await jobs.record(message);
    expect(record.state).toBe('queued');
    expect(record.notBefore).toBeUndefined();
  });

  it('sends the messages of queued jobs and running ones once more', async () => {
    const queued = await jobs.job(jobs.key());
    const running = await jobs.job(jobs.key());
    await jobs.stores.jobs.begin(running.job, jobs.now.toISOString());
    await again({ state: 'queued' });
    await again({ state: 'copying' });
    expect(jobs.queue.sent.map(({ body }) => body)).toEqual([queued, running]);
    expect((await jobs.record(running)).state).toBe('copying');
  });
});
