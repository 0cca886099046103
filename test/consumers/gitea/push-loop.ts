import { setTimeout as sleep } from 'node:timers/promises';
import { seededImage } from '../../support/seeded-image.ts';
import { type Followed, type Journey, pushAndFollow } from './journey.ts';

/** A push of the loop. */
export interface LoopPush extends Followed {
  /** What was going on between its start and its mapping. */
  phase: string;
}

/** Pushes that continue while something else is done. */
export interface PushLoop extends AsyncDisposable {
  /** Names what is going on from now on. */
  phase: string;
  /**
   * Waits until this many were started and mapped in the current phase. @throws when one was lost
   */
  mapped(count: number): Promise<void>;
  /** Ends the loop, and waits for the last push. @throws when one was lost */
  end(): Promise<LoopPush[]>;
}

/** How many pushes may wait for their mappings at once. */
const together = 4;

/** Pushes a new tag every quarter of a second, if the machine can. */
export function startPushLoop(journey: Journey, phase: string): PushLoop {
  const followed: LoopPush[] = [];
  const running = new Set<Promise<void>>();
  let failure: unknown;
  let ended = false;

  const push = async (number: number) => {
    const [repository, tag] = ['busy/service', `build-${number}`];
    const begun = loop.phase;
    const image = seededImage({
      seed: `build ${number}`,
      layers: [{ size: 200_000, seed: 'base of builds' }, { size: 9_000 }],
    });
    const result = await pushAndFollow(journey, repository, tag, image);
    followed.push({ ...result, phase: begun === loop.phase ? begun : `${begun} → ${loop.phase}` });
  };
  const keepPushing = async () => {
    for (let number = 1; !ended; number += 1) {
      const one = push(number).catch((error: unknown) => {
        failure ??= error;
        ended = true;
      });
      running.add(one);
      one.finally(() => running.delete(one));
      await sleep(250);
      if (running.size >= together) await Promise.race(running);
    }
    await Promise.all(running);
  };
  const loop: PushLoop = {
    phase,
    async mapped(count) {
      const mapped = () => followed.filter((push) => push.phase === loop.phase).length;
      while (mapped() < count && failure === undefined) await sleep(50);
      if (failure !== undefined) throw failure;
    },
    async end() {
      ended = true;
      await done;
      if (failure !== undefined) throw failure;
      return followed;
    },
    async [Symbol.asyncDispose]() {
      ended = true;
      await done;
    },
  };
  const done = keepPushing();
  return loop;
}
