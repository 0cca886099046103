import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { requestChange } from '../../../core/jobs/changes/request-change.ts';
import type { DayCounts } from '../../../core/jobs/savings/counts.ts';
import { SavingsTally } from '../../../core/jobs/savings/tally.ts';
import { MemoryDayCounts } from '../../support/memory-day-counts.ts';
import { jobsConfig, MirrorJobs } from '../../support/mirror-jobs.ts';
import { seededImage } from '../../support/seeded-image.ts';

let mirror: MirrorJobs;
beforeAll(async () => {
  mirror = await MirrorJobs.start();
});
beforeEach(() => mirror.reset());
afterAll(() => mirror.close());

const image = (seed: string) => seededImage({ seed, layers: [{ size: 500 }] });
const sumOf = async (tally: SavingsTally) => {
  const counts = new MemoryDayCounts();
  await tally.write(
    (): DayCounts => counts,
    () => {},
  );
  return (await counts.read('2026-04-01', '2026-04-01'))[0];
};

it('counts a job that publishes an image, with how long it took', async () => {
  const key = mirror.key();
  const savings = new SavingsTally();
  mirror.push(key, image('new'));
  const message = await mirror.job(key);
  mirror.now = new Date(mirror.now.getTime() + 2_000);
  await mirror.run(message, { savings });
  const { transfer, lagMs } = await mirror.record(message);
  expect(lagMs).toBe(2_000);
  expect(await sumOf(savings)).toEqual({
    day: '2026-04-01',
    registry: 'docker.io',
    images: 1,
    ...transfer,
    lags: new Map([[44, 1]]),
  });
});

it('counts an end only once: not that of a message that is delivered again, nor of a twin', async () => {
  const key = mirror.key();
  const savings = new SavingsTally();
  mirror.push(key, image('twice'));
  const message = await mirror.job(key);
  // Both are received before either has ended.
  await Promise.all([mirror.run(message, { savings }), mirror.run(message, { savings })]);
  await mirror.run(message, { savings });
  expect((await sumOf(savings))?.images).toBe(1);
});

it('does not count looks that find what is mirrored, failures and changes of the mapping', async () => {
  const key = mirror.key('1.0');
  await mirror.mirrored(key, image('known'));
  const savings = new SavingsTally();
  for (const trigger of ['webhook', 'recheck', 'reconcile'] as const)
    await mirror.run(await mirror.job(key, trigger), { savings });
  await mirror.run(await mirror.job(mirror.key('missing'), 'reconcile'), { savings });
  const { stores, queue } = mirror;
  const pin = await requestChange(
    { key, change: { kind: 'pin' } },
    { config: jobsConfig, mappings: stores.mappings, jobs: stores.jobs, queue },
  );
  expect(pin).toBeDefined();
  const sent = queue.sent.at(-1)?.body;
  if (sent) await mirror.run(sent, { savings });
  expect(await mirror.mapping(key)).toMatchObject({ pin: true });
  expect(await sumOf(savings)).toBeUndefined();
});
