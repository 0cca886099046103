import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type JobState, newJob, newJobId } from '../../../core/jobs/record.ts';
import { keyOf, type LocalStores, startStores } from '../../support/local-stores.ts';

const dayMs = 24 * 3600 * 1_000;
const ago = (ms: number) => new Date(Date.now() - ms);

describe('the summary of jobs on DynamoDB', () => {
  let stores: LocalStores;
  beforeEach(async () => {
    stores = await startStores();
  });
  afterEach(() => stores.close());

  const create = async (state: JobState, time: Date, notBefore?: Date, isPlanned = false) => {
    const id = newJobId(time.getTime());
    const receivedAt = time.toISOString();
    await stores.jobs.create({
      ...newJob({ id, key: keyOf('1'), event: 1, trigger: 'webhook', receivedAt }),
      state,
      ...(!isPlanned && { startedAt: receivedAt }),
    });
    if (notBefore) await stores.jobs.park({ id }, notBefore.toISOString());
    return id;
  };
  const soon = new Date(Date.now() + 60_000);

  it('counts nothing where there is nothing', async () => {
    const since = ago(dayMs);
    expect(await stores.jobs.summary(since)).toEqual({
      queued: 0,
      waiting: 0,
      planned: 0,
      copying: 0,
      failed: 0,
      since,
      isComplete: true,
    });
  });

  it('counts those that are not finished, however old, and failures since a time', async () => {
    for (const state of [
      'queued',
      'copying',
      'copying',
      'committed',
      'satisfied',
      'failed',
      'failed',
    ] as const)
      await create(state, ago(60_000));
    await create('failed', ago(2 * dayMs));
    await create('waiting', ago(3 * dayMs), soon);
    const oldest = await create('waiting', ago(20 * dayMs), soon);
    await create('waiting', ago(1_000), soon);
    await create('waiting', ago(21 * dayMs), soon, true);
    // A note that was left over.
    await create('committed', ago(25 * dayMs), soon);
    expect(await stores.jobs.summary(ago(dayMs))).toMatchObject({
      queued: 1,
      waiting: 4,
      planned: 1,
      copying: 2,
      failed: 2,
      isComplete: true,
      oldestWaiting: { id: oldest, state: 'waiting' },
    });
  });

  it('counts a job once that was parked several times', async () => {
    const id = await create('waiting', ago(5 * dayMs), soon);
    await stores.jobs.park({ id }, ago(dayMs).toISOString());
    expect(await stores.jobs.summary(ago(dayMs))).toMatchObject({ waiting: 1, oldestWaiting: { id } });
  });

  it('says if there are more than it reads', async () => {
    const count = 120;
    for (let index = 0; index < count; index++) {
      const time = ago(5 * dayMs + index);
      // The last character of an ID decides the partition of its notes.
      const id = `${newJobId(time.getTime()).slice(0, -1)}0`;
      const job = newJob({
        id,
        key: keyOf('1'),
        event: 1,
        trigger: 'webhook',
        receivedAt: time.toISOString(),
      });
      await stores.jobs.create({ ...job, state: 'waiting' });
      await stores.jobs.park({ id }, soon.toISOString());
    }
    expect(await stores.jobs.summary(ago(dayMs))).toMatchObject({ waiting: 100, isComplete: false });
  });
});
