import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { enqueue } from '../../../core/jobs/enqueue.ts';
import { scheduleLook } from '../../../core/jobs/later-look.ts';
import type { ProcessDependencies } from '../../../core/jobs/process-message.ts';
import { resendDue } from '../../../core/jobs/resend.ts';
import type { ImageKey } from '../../../core/mapping/record.ts';
import { MirrorJobs } from '../../support/mirror-jobs.ts';
import { seededImage } from '../../support/seeded-image.ts';

const image = (seed: string) => seededImage({ seed, layers: [{ size: 500 }] });
const minutes = (count: number) => count * 60_000;

/**
 * Dependencies of a process that dies at its nth call to a store or the queue, either before or
 * after the call took effect.
 */
function dyingAt(
  dependencies: ProcessDependencies,
  call: number,
  when: 'before' | 'after',
): { deps: ProcessDependencies; died: () => boolean } {
  let calls = 0;
  let isDead = false;
  const mortal = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(_, name) {
        const member = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return async (...args: unknown[]) => {
          calls += 1;
          if (calls > call || (calls === call && when === 'before')) isDead = true;
          if (isDead) throw new Error('the process is dead');
          const result = await member.apply(target, args);
          if (calls === call) isDead = true;
          if (isDead) throw new Error('the process is dead');
          return result;
        };
      },
    });
  const { mappings, jobs, queue } = dependencies;
  const deps = { ...dependencies, mappings: mortal(mappings), jobs: mortal(jobs), queue: mortal(queue) };
  return { deps, died: () => isDead };
}

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
      const { deps } = dyingAt(jobs.dependencies(), call, when);
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
    const { deps } = dyingAt(jobs.dependencies(), 3, 'before');
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
      const { deps } = dyingAt(jobs.dependencies(), call, when);
      await scheduleLook({ key, trigger: 'recheck' }, deps).catch(() => {});
      await scheduleLook({ key, trigger: 'recheck' }, jobs.dependencies());
      await anHourPasses();
      expect(await jobs.mapping(key)).toMatchObject({ digest: image('v2').manifest.digest });
    },
  );
});
