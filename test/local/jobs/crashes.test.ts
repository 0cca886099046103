import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { enqueue } from '../../../core/jobs/enqueue.ts';
import { scheduleLook } from '../../../core/jobs/later-look.ts';
import { resendDue } from '../../../core/jobs/resend.ts';
import type { ImageKey } from '../../../core/mapping/record.ts';
import { type Death, dyingAt } from '../../support/dying-process.ts';
import { MirrorJobs } from '../../support/mirror-jobs.ts';
import { seededImage } from '../../support/seeded-image.ts';

const image = (seed: string) => seededImage({ seed, layers: [{ size: 500 }] });
const minutes = (count: number) => count * 60_000;

describe('a push whose function dies', () => {
  let jobs: MirrorJobs;
  beforeAll(async () => {
    jobs = await MirrorJobs.start();
  });
  beforeEach(() => jobs.reset());
  afterEach(async () => {
    for (const parked of await jobs.stores.jobs.due('9999', 1_000)) await jobs.stores.jobs.unpark(parked);
  });
  afterAll(() => jobs.close());

  /** The dependencies of a process that dies at a call to a store or the queue. */
  const dying = (death: Death) => dyingAt(jobs.dependencies(), death, ['mappings', 'jobs', 'queue']).deps;
  /** Runs everything that the schedule sends in the coming hour. */
  const anHourPasses = async () => {
    for (let round = 0; round < 6; round += 1) {
      jobs.now = new Date(jobs.now.getTime() + minutes(11));
      jobs.queue.sent = [];
      await resendDue(jobs.dependencies(), jobs.now);
      for (const { body } of jobs.queue.sent) await jobs.run(body);
    }
  };
  /** A tag that is mapped to v1, was looked at without result a moment ago, and names v2 by now. */
  const movedTag = async (): Promise<ImageKey> => {
    const key = jobs.key('1.0');
    await jobs.mirrored(key, image('v1'));
    jobs.now = new Date(jobs.now.getTime() + 1_000);
    await jobs.run(await jobs.job(key));
    jobs.push(key, image('v2'));
    return key;
  };

  const points = [1, 2, 3, 4, 5].flatMap((call) => [[call, 'before'] as const, [call, 'after'] as const]);

  it.each(points)(
    'is mirrored although an earlier job left the look to it: at call %i, %s its effect',
    async (call, when) => {
      const key = await movedTag();
      const earlier = await jobs.job(key);
      const deps = dying({ call, when });
      const answer = await enqueue([{ key }], 'webhook', deps).then(
        () => 202,
        () => 503,
      );
      await jobs.run(earlier);
      await anHourPasses();
      // The sender sends again what was not accepted and is not there; nothing may get in its way.
      if (answer === 503) {
        const [job] = await enqueue([{ key }], 'webhook', jobs.dependencies());
        const message = jobs.queue.sent.find(({ body }) => body.job === job?.id);
        if (message) await jobs.run(message.body);
      }
      expect(await jobs.mapping(key)).toMatchObject({ digest: image('v2').manifest.digest });
    },
  );

  it('is mirrored from its note alone, although its record was never written', async () => {
    const key = jobs.key('1.0');
    jobs.push(key, image('v1'));
    const deps = dying({ call: 3, when: 'before' });
    await expect(enqueue([{ key }], 'webhook', deps)).rejects.toThrow('dead');
    await anHourPasses();
    expect(await jobs.mapping(key)).toMatchObject({ digest: image('v1').manifest.digest });
  });

  it.each(points)(
    'is seen by a later look although the function of another look died: at call %i, %s its effect',
    async (call, when) => {
      const key = await movedTag();
      // The look of movedTag's own fruitless job is done first.
      jobs.push(key, image('v1'));
      await anHourPasses();
      jobs.push(key, image('v2'));
      const deps = dying({ call, when });
      await scheduleLook({ key, trigger: 'recheck' }, deps).catch(() => {});
      await scheduleLook({ key, trigger: 'recheck' }, jobs.dependencies());
      await anHourPasses();
      expect(await jobs.mapping(key)).toMatchObject({ digest: image('v2').manifest.digest });
    },
  );
});
