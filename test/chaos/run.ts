import { age } from './age.ts';
import { check, type Verdict } from './check.ts';
import type { Bundles } from './functions.ts';
import { planOf, type Step } from './plan.ts';
import { pruneInQuiet, pruneInTrouble } from './prune.ts';
import { calm, reconcileOnce, untilJobsEnd } from './settle.ts';
import { type StormNotes, storm } from './storm.ts';
import { startWorld, type World } from './world.ts';

/** What one seed did, and what was wrong at its end. */
export interface SeedResult extends Omit<Verdict, 'violations'> {
  seed: number;
  seconds: { storm: number; quiet: number; reconcile: number; check: number; retention: number };
  notes: StormNotes;
  killed: number;
  /** How many of them deleted images, or were about to. */
  retentionKilled: number;
  /** Calls to the table and the queues: all, refused, and with lost answers. */
  calls: { all: number; refused: number; lost: number };
  /** How far the clock moved in the quiet until all jobs had ended. */
  quietHours: number;
  reconcileInvocations: number;
  violations: string[];
}

/** Runs one seed from nothing to its checks. */
export async function runSeed(
  { seed, pushes }: { seed: number; pushes: number },
  bundles: Bundles,
): Promise<{ result: SeedResult; log: string }> {
  await using world = await startWorld(seed, bundles);
  const seconds = { storm: 0, quiet: 0, reconcile: 0, check: 0, retention: 0 };
  const timed = async <T>(part: keyof typeof seconds, work: () => Promise<T>): Promise<T> => {
    const started = performance.now();
    try {
      return await work();
    } finally {
      seconds[part] = Math.round((performance.now() - started) / 100) / 10;
    }
  };
  const steps = planOf({ seed, pushes });
  const notes = await timed('storm', () => storm(world, steps, seed));
  calm(world);
  const violations: string[] = [];
  let quietHours = 0;
  let reconcileInvocations = 0;
  try {
    quietHours = (await timed('quiet', () => untilJobsEnd(world))).hours;
    reconcileInvocations = (await timed('reconcile', () => reconcileOnce(world))).invocations;
  } catch (error) {
    violations.push((error as Error).message);
  }
  violations.push(...(await timed('check', () => check(world, notes))).violations);
  try {
    await timed('retention', () => retain(world, notes, { steps, seed }));
  } catch (error) {
    violations.push((error as Error).message);
  }
  const verdict = await check(world, notes);
  const apis = [world.faultyTable, world.faultyQueue];
  const sum = (of: 'calls' | 'refused' | 'lost') => apis.reduce((total, api) => total + api[of], 0);
  return {
    log: world.log.text,
    result: {
      seed,
      seconds,
      notes,
      killed: Object.values(world.functions).reduce((total, { killed }) => total + killed, 0),
      retentionKilled: world.functions.retention.killed,
      calls: { all: sum('calls'), refused: sum('refused'), lost: sum('lost') },
      quietHours,
      reconcileInvocations,
      ...verdict,
      violations: [...new Set([...violations, ...verdict.violations])],
    },
  };
}

/** Lets images get old and be deleted, in trouble and in quiet. */
async function retain(
  world: World,
  notes: StormNotes,
  { steps, seed }: { steps: readonly Step[]; seed: number },
): Promise<void> {
  notes.aged = await age(world);
  await pruneInTrouble(world, steps, seed);
  await untilJobsEnd(world);
  await reconcileOnce(world);
  const { failed } = await pruneInQuiet(world);
  if (failed > 0) throw new Error(`retention could not delete ${failed} images`);
}
