import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DynamoUpstreamGate } from '../../../core/aws/dynamodb/upstream-gate.ts';
import type { JobMessage } from '../../../core/jobs/record.ts';
import { resendDue } from '../../../core/jobs/resend.ts';
import { MirrorJobs, upstreamError } from '../../support/mirror-jobs.ts';
import { seededImage } from '../../support/seeded-image.ts';

const image = seededImage({ seed: 'late', layers: [{ size: 900 }] });
const start = Date.parse('2026-04-01T12:00:00.000Z');

describe('an event that comes before its image', () => {
  let jobs: MirrorJobs;
  beforeAll(async () => {
    jobs = await MirrorJobs.start();
  });
  beforeEach(() => jobs.reset());
  afterEach(async () => {
    for (const parked of await jobs.stores.jobs.due('9999', 1_000)) await jobs.stores.jobs.unpark(parked);
  });
  afterAll(() => jobs.close());

  const seconds = () => (jobs.now.getTime() - start) / 1_000;
  /** Runs the schedule each minute, until the job has ended or this many minutes have passed. */
  const minutesPass = async (message: JobMessage, count: number) => {
    for (let minute = 0; minute < count; minute += 1) {
      jobs.now = new Date(Math.floor(jobs.now.getTime() / 60_000 + 1) * 60_000);
      jobs.queue.sent = [];
      await resendDue(jobs.dependencies(), jobs.now);
      for (const { body } of jobs.queue.sent) if (body.job === message.job) await jobs.run(body);
    }
  };

  it('by two seconds is mirrored by its first attempt', async () => {
    const key = jobs.key('1.0');
    const message = await jobs.job(key);
    jobs.afterPause = () => {
      if (seconds() >= 2) jobs.push(key, image);
    };
    expect(await jobs.run(message)).toMatchObject({ state: 'committed' });
    expect(jobs.pauses).toEqual([1_000, 2_000]);
    expect(await jobs.record(message)).toMatchObject({ attempts: 1 });
  });

  it('by minutes waits with growing pauses, and is mirrored when the image is there', async () => {
    const key = jobs.key('1.0');
    const message = await jobs.job(key);
    expect(await jobs.run(message)).toMatchObject({ state: 'waiting' });
    expect(await jobs.record(message)).toMatchObject({
      state: 'waiting',
      notBefore: '2026-04-01T12:01:00.000Z',
      attempts: 0,
      error: { code: 'MANIFEST_UNKNOWN' },
    });
    await minutesPass(message, 4);
    expect(await jobs.record(message)).toMatchObject({ state: 'waiting' });
    jobs.push(key, image);
    await minutesPass(message, 5);
    expect(await jobs.record(message)).toMatchObject({ state: 'committed' });
    expect(await jobs.mapping(key)).toMatchObject({ digest: image.manifest.digest });
    expect(jobs.pauses, 'the queue is blocked once').toHaveLength(3);
  });

  it('for ten minutes fails, after few looks', async () => {
    const message = await jobs.job(jobs.key('never'));
    await jobs.run(message);
    await minutesPass(message, 9);
    expect(await jobs.record(message)).toMatchObject({ state: 'waiting' });
    await minutesPass(message, 2);
    const record = await jobs.record(message);
    expect(record).toMatchObject({ state: 'failed', error: { code: 'MANIFEST_UNKNOWN', side: 'upstream' } });
  });

  it('uses up no attempt, and is looked for depending on the event’s age', async () => {
    const message = await jobs.job(jobs.key('never'));
    const looks: (string | undefined)[] = [];
    for (let look = 0; look < 6; look += 1) {
      await jobs.run(message);
      const { notBefore, attempts, state } = await jobs.record(message);
      looks.push(notBefore?.slice(14, 19) ?? state);
      if (state === 'waiting') expect(attempts).toBe(0);
      jobs.now = new Date(notBefore ?? jobs.now);
    }
    expect(looks).toEqual(['01:00', '02:00', '04:00', '08:00', '10:00', 'failed']);
  });

  it('that is already older does not block its repository', async () => {
    const message = await jobs.job(jobs.key('never'));
    jobs.now = new Date(jobs.now.getTime() + 20_000);
    expect(await jobs.run(message)).toMatchObject({ state: 'waiting' });
    expect(jobs.pauses).toEqual([]);
  });

  it('leaves the upstream open for others', async () => {
    await jobs.run(await jobs.job(jobs.key('never')));
    expect(
      await new DynamoUpstreamGate(jobs.stores.table).closedUntil('docker.io', jobs.now),
    ).toBeUndefined();
  });

  it('waits for a repository and for a child of its index, too', async () => {
    for (const code of ['NAME_UNKNOWN', 'MANIFEST_UNKNOWN']) {
      const key = jobs.key('1.0');
      jobs.push(key, image);
      jobs.upstreamChanges = { manifest: () => Promise.reject(upstreamError(code, { status: 404 })) };
      const message = await jobs.job(key);
      expect(await jobs.run(message), code).toMatchObject({ state: 'waiting' });
      jobs.upstreamChanges = {};
      await minutesPass(message, 2);
      expect(await jobs.record(message), code).toMatchObject({ state: 'committed' });
    }
  });

  it('is satisfied, with the reason, if a later look finds the tag deleted', async () => {
    const message = await jobs.job(jobs.key('gone'), 'recheck');
    expect(await jobs.run(message)).toMatchObject({ state: 'satisfied' });
    expect(await jobs.record(message)).toMatchObject({
      state: 'satisfied',
      reason: { code: 'deleted_upstream', message: expect.stringContaining('no longer') },
    });
  });

  it.each(['request', 'redrive'] as const)(
    'is not looked for again if there was none: %s',
    async (trigger) => {
      const message = await jobs.job(jobs.key('typo'), trigger);
      expect(await jobs.run(message)).toMatchObject({ state: 'failed' });
      expect(jobs.pauses).toEqual([]);
    },
  );

  it('from a denied repository fails at once', async () => {
    const key = jobs.key('1.0');
    jobs.upstreamChanges = { manifest: () => Promise.reject(upstreamError('DENIED', { status: 403 })) };
    expect(await jobs.run(await jobs.job(key))).toMatchObject({ state: 'failed' });
  });
});
