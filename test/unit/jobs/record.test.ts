import { describe, expect, it } from 'vitest';
import {
  isFinished,
  type JobRecord,
  jobIdTime,
  jobStates,
  messageOf,
  newJob,
  newJobId,
  presentJob,
} from '../../../core/jobs/record.ts';

describe('the id of a job', () => {
  it('contains its time', () => {
    for (const time of [0, 1, 1_775_044_800_123, 2 ** 47, 8 * 32 ** 9 - 1]) {
      expect(newJobId(time)).toMatch(/^[0-9a-hjkmnp-tv-z]{26}$/);
      expect(jobIdTime(newJobId(time))).toBe(time);
    }
    expect(Math.abs((jobIdTime(newJobId()) ?? 0) - Date.now())).toBeLessThan(1_000);
  });

  it('sorts by time', () => {
    const times = [0, 31, 32, 1_023, 1_024, 1_775_044_800_122, 1_775_044_800_123, 2 ** 47];
    const ids = times.map((time) => newJobId(time));
    expect([...ids].sort()).toEqual(ids);
  });

  it('is different each time, even within a millisecond', () => {
    expect(new Set(Array.from({ length: 2_000 }, () => newJobId(5))).size).toBe(2_000);
  });

  it.each([
    '',
    'x',
    '0'.repeat(25),
    '0'.repeat(27),
    `${'0'.repeat(25)}u`,
    `${'0'.repeat(25)}A`,
    '8'.padEnd(26, '0'),
    `${'0'.repeat(26)}\n`,
  ])('is not %j', (text) => {
    expect(jobIdTime(text)).toBeUndefined();
  });
});

describe('the record of a job', () => {
  const job: JobRecord = {
    id: newJobId(),
    key: { registry: 'docker.io', repository: 'library/nginx', reference: '1.27' },
    event: 4,
    state: 'waiting',
    trigger: 'webhook',
    receivedAt: '2026-04-01T12:00:00.000Z',
    attempts: 2,
    notBefore: '2026-04-01T12:01:00.000Z',
  };

  it('begins as requested, and knows its message', () => {
    const { id, key, event, trigger, receivedAt } = job;
    const asked = { id, key, event, trigger, receivedAt };
    expect(newJob(asked)).toEqual({ ...asked, state: 'queued', attempts: 0 });
    expect(Object.keys(newJob({ ...asked, toldDigest: undefined }))).not.toContain('toldDigest');
    const waiting = {
      ...asked,
      toldDigest: `sha256:${'b'.repeat(64)}`,
      notBefore: '2026-04-01T12:01:00.000Z',
    };
    expect(newJob(waiting)).toEqual({ ...waiting, state: 'waiting', attempts: 0 });
    expect(messageOf(newJob(waiting))).toEqual({ job: id, image: key, event, trigger, receivedAt });
  });

  it('is shown with the image’s name and without internal fields', () => {
    const { key: _, event: __, ...rest } = job;
    expect(presentJob(job)).toEqual({ ...rest, image: 'docker.io/library/nginx:1.27' });
    const at = '2026-04-01T12:00:30.000Z';
    const internal = { begunAt: at, begunBy: 'message', watch: 'note', heldUntil: at };
    expect(presentJob({ ...job, ...internal, invocations: 1, layerFailures: 1 })).toEqual(presentJob(job));
    const digest = `sha256:${'a'.repeat(64)}`;
    expect(presentJob({ ...job, key: { ...job.key, reference: digest } }).image).toBe(
      `docker.io/library/nginx@${digest}`,
    );
  });

  it('is finished in four of the states', () => {
    expect(jobStates.filter((state) => isFinished({ ...job, state }))).toEqual([
      'committed',
      'satisfied',
      'superseded',
      'failed',
    ]);
  });
});
