/**
 * `npm run test:chaos`: a mirror in trouble, seed by seed, and what must hold when the trouble is
 * over.
 *
 * - without options: three seeds, short, as in CI
 * - `--seeds N`: the seeds 1 to N in full
 * - `--seed N`: one seed in full, for replay: the same pushes, faults and deaths are planned; their
 *   timing is the machine's
 * - `--pushes N`: how many pushes, 300 by default and 60 in the short form
 * - `--json`: one line of JSON for each seed
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Bundles, bundleFunctions } from './functions.ts';
import { runSeed, type SeedResult } from './run.ts';

const shortSeeds = [1, 2, 3];
const shortPushes = 60;
const fullPushes = 300;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    pushes: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const isShort = values.seed === undefined && values.seeds === undefined;
const seeds =
  values.seed !== undefined
    ? [whole('seed', values.seed)]
    : values.seeds !== undefined
      ? Array.from({ length: whole('seeds', values.seeds) }, (_, n) => n + 1)
      : shortSeeds;
const pushes =
  values.pushes === undefined ? (isShort ? shortPushes : fullPushes) : whole('pushes', values.pushes);

const bundles = await bundleFunctions();
let failed = 0;
try {
  for (const seed of seeds) if (!(await isFine(seed, bundles))) failed += 1;
} finally {
  bundles[Symbol.dispose]();
}
process.stdout.write(failed === 0 ? 'nothing is lost\n' : `${failed} of ${seeds.length} seeds failed\n`);
// Connections that faults have left hanging are nobody's.
process.exit(failed === 0 ? 0 : 1);

/** Runs one seed and says how it went. */
async function isFine(seed: number, functions: Bundles): Promise<boolean> {
  const { result, log } = await runSeed({ seed, pushes }, functions);
  process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : `${described(result)}\n`);
  if (result.violations.length === 0) return true;
  mkdirSync('.vitest', { recursive: true });
  const file = join('.vitest', `chaos-${seed}.log`);
  writeFileSync(file, log);
  const lines = [
    ...result.violations,
    `the functions' log: ${file}`,
    `again: npm run test:chaos -- --seed ${seed} --pushes ${pushes}`,
  ];
  process.stdout.write(lines.map((line) => `  ${line}\n`).join(''));
  return false;
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new Error(`--${name} is a whole number from 1: ${text}`);
  return value;
}

function described(result: SeedResult): string {
  const { seed, seconds, notes, killed, calls, tags, mappings, pulled, retired, jobs, violations } = result;
  const states = Object.entries(jobs).map(([state, count]) => `${count} ${state}`);
  return [
    `seed ${seed}: ${violations.length === 0 ? 'ok' : `${violations.length} VIOLATIONS`}`,
    `  ${notes.pushes} pushes, ${notes.webhooks.sent} webhooks (${notes.webhooks.refused} refused), ${notes.deletedTags} tags deleted upstream, ${notes.deletedImages} images deleted in the mirror`,
    `  ${killed} processes killed; ${calls.all} calls to table and queues, ${calls.refused} refused, ${calls.lost} answers lost`,
    `  jobs: ${states.join(', ')}; quiet after ${result.quietHours.toFixed(1)} h by the clock, compared in ${result.reconcileInvocations} invocations`,
    `  ${tags} tags asked for, ${mappings} mappings, ${pulled} manifests and blobs pulled, ${retired} images deleted by retention, which was killed ${result.retentionKilled} times`,
    `  storm ${seconds.storm} s, quiet ${seconds.quiet} s, reconcile ${seconds.reconcile} s, check ${seconds.check} s, retention ${seconds.retention} s`,
  ].join('\n');
}
