import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DynamoUpstreamGate } from '../../../core/aws/dynamodb/upstream-gate.ts';
import { enqueue } from '../../../core/jobs/enqueue.ts';
import type { JobMessage, JobTrigger } from '../../../core/jobs/record.ts';
import { resendDue } from '../../../core/jobs/resend.ts';
import { MirrorJobs, upstreamError } from '../../support/mirror-jobs.ts';
import { seededImage } from '../../support/seeded-image.ts';

const image = seededImage({ seed: 'down', layers: [{ size: 500 }] });
const hours = (count: number) => count * 3_600_000;

describe('an upstream that is down', () => {
  let jobs: MirrorJobs;
  beforeAll(async () => {
    jobs = await MirrorJobs.start();
  });
  beforeEach(async () => {
    jobs.reset();
    for (const parked of await jobs.stores.jobs.due('9999', 1_000)) await jobs.stores.jobs.unpark(parked);
    const gate = new DynamoUpstreamGate(jobs.stores.table);
    await gate.outage('docker.io');
    await gate.answered('docker.io');
  });
  afterAll(() => jobs.close());

  /**
   * Everything fails as if nothing answered; tells when upstream was asked. One look may ask
   * several things.
   */
  const goDown = () => {
    const asked = new Set<number>();
    const fail = async () => {
      asked.add(jobs.now.getTime());
      throw upstreamError('CONNECTION', { temporary: true });
    };
    jobs.upstreamChanges = { manifest: fail, tagDigest: fail, referrers: fail };
    return asked;
  };
  /** Lets time pass, from one due job to the next. */
  const pass = async (ms: number) => {
    const end = jobs.now.getTime() + ms;
    for (;;) {
      const [next] = await jobs.stores.jobs.due('9999', 1);
      const due = next === undefined ? end : Date.parse(next.notBefore) + 30_000;
      jobs.now = new Date(Math.min(end, Math.max(due, jobs.now.getTime() + 60_000)));
      if (jobs.now.getTime() >= end) return;
      jobs.queue.sent = [];
      await resendDue(jobs.dependencies(), jobs.now);
      for (const { body } of jobs.queue.sent) await jobs.run(body);
    }
  };
  const pushed = async (trigger: JobTrigger = 'request'): Promise<JobMessage> => {
    const key = jobs.key();
    jobs.push(key, image);
    return await jobs.job(key, trigger);
  };
  /** An image whose deletion is reported. */
  const deleted = async (): Promise<JobMessage> => {
    const key = jobs.key('latest', 'library/followed');
    await jobs.mirrored(key, image);
    jobs.upstream(key).tags.delete(key.reference);
    jobs.queue.sent = [];
    await enqueue([{ key }], 'deletion', jobs.dependencies());
    return jobs.queue.sent[0]?.body as JobMessage;
  };

  it('for a day costs nothing but delay: its jobs wait, and are mirrored once it is back', async () => {
    const deletion = await deleted();
    const pushes = [await pushed(), await pushed('webhook')];
    const messages = [...pushes, deletion];
    const asked = goDown();
    for (const message of messages) expect(await jobs.run(message)).toMatchObject({ state: 'waiting' });
    await pass(hours(24));
    for (const message of messages) expect((await jobs.record(message)).state).toBe('waiting');
    expect(asked.size, 'one look each quarter of an hour, by one job').toBeLessThan(130);
    const gate = new DynamoUpstreamGate(jobs.stores.table);
    expect(await gate.outage('docker.io')).toMatchObject({
      since: new Date('2026-04-01T12:00:00.000Z'),
      reason: expect.stringContaining('the registry answered nothing'),
    });
    jobs.upstreamChanges = {};
    await pass(hours(1));
    for (const message of pushes) expect((await jobs.record(message)).state).toBe('committed');
    expect(await jobs.record(deletion)).toMatchObject({
      state: 'satisfied',
      reason: { code: 'deleted_upstream' },
    });
    expect(await jobs.mapping(deletion.image)).toBeUndefined();
    expect(await new DynamoUpstreamGate(jobs.stores.table).outage('docker.io')).toBeUndefined();
  }, 300_000);

  it('is given up after some days', async () => {
    const gate = new DynamoUpstreamGate(jobs.stores.table);
    for (let failure = 0; failure < 3; failure += 1)
      await gate.failed('docker.io', { at: jobs.now, reason: 'nothing answers' });
    jobs.now = new Date(jobs.now.getTime() + hours(73));
    const message = await pushed();
    await jobs.stores.jobs.update(message.job, { attempts: 10 });
    goDown();
    expect(await jobs.run(message)).toMatchObject({ state: 'waiting' });
    jobs.now = new Date(jobs.now.getTime() + hours(1));
    expect(await jobs.run(message)).toMatchObject({ state: 'failed' });
    expect(await jobs.record(message)).toMatchObject({ error: { code: 'CONNECTION' } });
  });

  it('is not what a single image is that fails while others succeed', async () => {
    const bad = await pushed();
    goDown();
    await jobs.run(bad);
    for (let round = 0; round < 12; round += 1) {
      jobs.upstreamChanges = {};
      await jobs.run(await pushed());
      goDown();
      jobs.now = new Date(jobs.now.getTime() + hours(1));
      await jobs.run(bad);
    }
    expect((await jobs.record(bad)).state).toBe('failed');
  });
});
