import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoPassStore } from '../../core/aws/dynamodb/retention/pass-store.ts';
import { newPass, type Pass } from '../../core/retention/pass.ts';
import { dice, pick } from '../unit/webhooks/mutate.ts';
import { deliverWebhook } from './deliver.ts';
import { mortal } from './fates.ts';
import { pushPlanned } from './images.ts';
import type { Step } from './plan.ts';
import { calm, untilJobsEnd } from './settle.ts';
import { troubleMirror } from './upstreams.ts';
import type { World } from './world.ts';

/** How often the function is called in trouble; in the middle, another pass is due. */
const troubledCalls = 6;
/** Longer than a lock outlives its holder. */
const lockMs = 2 * 60_000;
/** Longer than until the next pass. */
const passMs = 25 * 3_600_000;
/** Longer than a request to the mirror can stall. */
const stalledMs = 3_000;
const mostCalls = 10;

/**
 * Lets retention delete images with all faults on, while others push some of the old images
 * again.
 */
export async function pruneInTrouble(world: World, steps: readonly Step[], seed: number): Promise<void> {
  const { upstreams, functions, fates, faultyTable, faultyQueue, mirror } = world;
  const roll = dice(seed + 6);
  const pushes = steps.flatMap((step) =>
    step.kind === 'push' && upstreams.ruleOf(step.place.upstream, step.place.repository)?.retention
      ? [step]
      : [],
  );
  fates.isCalm = false;
  faultyTable.trouble();
  faultyQueue.trouble();
  troubleMirror(mirror, seed + 6);
  const retention = mortal(functions.retention, 'retention', fates);
  for (let call = 1; call <= troubledCalls; call += 1) {
    const running = retention.invoke({ time: world.now().toISOString() }).catch(() => {});
    if (pushes.length > 0) {
      const { place, tag, image } = pick(roll, pushes);
      const pushed = await pushPlanned(upstreams.registries[place.upstream], { ...place, tag, image });
      await deliverWebhook(world, place, { image: { tag, ...pushed }, event: 'push' });
    }
    await running;
    // What a dead function has asked for arrives within its mark's time, also by this clock.
    if (call === troubledCalls / 2) await sleep(stalledMs);
    world.advance(call === troubledCalls / 2 ? passMs : lockMs);
  }
  calm(world);
}

/**
 * Lets retention do what is left.
 *
 * @throws Error if it does not end
 */
export async function pruneInQuiet(world: World): Promise<{ failed: number }> {
  const passes = new DynamoPassStore(world.table);
  world.advance(passMs);
  // As `drayage prune --delete` asks for it.
  await passes.save(newPass({ dryRun: false, now: world.now() }));
  let failed = 0;
  for (let call = 1; call <= mostCalls; call += 1) {
    const done = await world.functions.retention.invoke({ time: world.now().toISOString() });
    if (done) failed += (done as Pass['totals']).failed;
    if (done && (await passes.open()).length === 0) {
      // The mirror tells of each deletion.
      await untilJobsEnd(world);
      return { failed };
    }
  }
  throw new Error(`retention has not ended after ${mostCalls} calls`);
}
