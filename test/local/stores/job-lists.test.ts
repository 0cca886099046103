import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobQuery } from '../../../core/jobs/ports.ts';
import { type JobRecord, type JobState, newJobId } from '../../../core/jobs/record.ts';
import { InvalidCursorError } from '../../../core/mapping/store.ts';
import { digestOf } from '../../../core/oci/digest.ts';
import { timeOf } from '../../support/byte-streams.ts';
import { keyOf, type LocalStores, startStores } from '../../support/local-stores.ts';

const dayMs = 24 * 3600 * 1000;
const digest = digestOf(Buffer.from('an image'));

describe('lists of jobs on DynamoDB', () => {
  let stores: LocalStores;
  const now = Date.now();
  const states: JobState[] = ['queued', 'waiting', 'copying', 'committed', 'failed'];
  /** Newest first: twelve a day on the days 0, 1, 3 and 29 before now. */
  const jobs: JobRecord[] = [0, 1, 3, 29]
    .flatMap((day) => Array.from({ length: 12 }, (_, i) => now - day * dayMs - i * 1_000))
    .map((time, i) => ({
      id: newJobId(time),
      key: i % 6 === 5 ? keyOf(digest) : keyOf(`v${i % 4}`),
      event: i,
      state: states[i % states.length] as JobState,
      trigger: 'webhook',
      receivedAt: new Date(time).toISOString(),
      attempts: 0,
    }));

  beforeAll(async () => {
    stores = await startStores();
    await Promise.all(jobs.map((job) => stores.jobs.create(job)));
  });
  afterAll(() => stores.close());

  async function all(query: JobQuery): Promise<string[]> {
    const ids: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await stores.jobs.list({ ...query, ...(cursor === undefined ? {} : { cursor }) });
      expect(page.jobs.length).toBeLessThanOrEqual(query.limit);
      ids.push(...page.jobs.map(({ id }) => id));
      cursor = page.cursor;
    } while (cursor !== undefined);
    return ids;
  }

  it.each([1, 5, 12, 48, 100])('return every job once, newest first, %i a page', async (limit) => {
    expect(await all({ limit })).toEqual(jobs.map(({ id }) => id));
  });

  it('end before a job that does not fit, and continue with it', async () => {
    const ids: string[] = [];
    for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
      let room = 5;
      const fits = () => --room >= 0;
      const page = await stores.jobs.list({ limit: 100, fits, ...(cursor !== undefined && { cursor }) });
      expect(page.jobs.length).toBeLessThanOrEqual(5);
      ids.push(...page.jobs.map(({ id }) => id));
      cursor = page.cursor;
    }
    expect(ids).toEqual(jobs.map(({ id }) => id));
  });

  it('return whole records', async () => {
    expect((await stores.jobs.list({ limit: 1 })).jobs).toEqual([jobs[0]]);
  });

  it.each([[['failed']], [['queued', 'waiting', 'copying']], [['superseded']]] as [JobState[]][])(
    'are limited to the states %j, over all days',
    async (wanted) => {
      expect(await all({ states: wanted, limit: 4 })).toEqual(
        jobs.filter(({ state }) => wanted.includes(state)).map(({ id }) => id),
      );
    },
  );

  it.each([
    ['docker.io/library/nginx:v1', (job: JobRecord) => job.key.reference === 'v1'],
    [`docker.io/library/nginx@${digest}`, (job: JobRecord) => job.key.reference === digest],
    ['docker.io/library/nginx:v', () => false],
    ['nginx:v1', () => false],
  ])('are limited to the image %s', async (image, matches) => {
    expect(await all({ image, limit: 3 })).toEqual(jobs.filter(matches).map(({ id }) => id));
    expect(await all({ image, states: ['committed'], limit: 3 })).toEqual(
      jobs.filter((job) => matches(job) && job.state === 'committed').map(({ id }) => id),
    );
  });

  it('continue after any job, even one that is gone', async () => {
    const between = newJobId(now - dayMs + 500);
    const page = await stores.jobs.list({ limit: 2, cursor: between });
    expect(page.jobs.map(({ id }) => id)).toEqual([jobs[12]?.id, jobs[13]?.id]);
  });

  it.each(['', 'nonsense', 'Z'.repeat(26), `${newJobId()}x`, '8'.repeat(26)])(
    'refuse the cursor %j',
    async (cursor) => {
      await expect(stores.jobs.list({ limit: 5, cursor })).rejects.toBeInstanceOf(InvalidCursorError);
    },
  );

  it('do not look for jobs in the distant future', async () => {
    const listing = stores.jobs.list({ limit: 5, cursor: '7'.padEnd(26, 'z') });
    expect(await timeOf(listing)).toBeLessThan(3_000);
    expect((await listing).jobs.map(({ id }) => id)).toEqual(jobs.slice(0, 5).map(({ id }) => id));
  });

  it('end with the oldest jobs that are kept', async () => {
    expect(await stores.jobs.list({ limit: 5, cursor: newJobId(now - 60 * dayMs) })).toEqual({ jobs: [] });
  });
});
