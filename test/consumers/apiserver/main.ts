/**
 * `node test/consumers/apiserver/main.ts --bin FOLDER [--version 1.37]… [--way WAY]… [--part PART]…
 * [--output FILE]`: what `drayage export admission-policy` prints, in a real API server.
 *
 * The 200 pods of the table are created through the policy with synced objects, the policy with the
 * mapping in it and, with `--way webhook`, `drayage admission`; each has to become what `drayage
 * rewrite` makes of it, byte by byte. Then the CronJob's script runs while mappings change, the
 * command's options are tried, and limits, latency and restarts are measured. Only if it is named,
 * the part `record` writes the AdmissionReviews that tests use.
 *
 * FOLDER has the programs that test/consumers/cluster/build-programs.sh makes. kubectl, busybox and
 * curl have to be on the PATH.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { endOnSignals, interruptible } from '../../../bench/interruption.ts';
import { markdownTable } from '../../../bench/statistics.ts';
import { type PodCase, podCases } from '../../support/pods/cases.ts';
import { fillerMappings, podMappings } from '../../support/pods/mappings.ts';
import { imagesThatFit, largeRepository, mostImages } from './budget.ts';
import { changeMappings, failToSync } from './changes.ts';
import { tryOptions } from './choices.ts';
import { type Cluster, createNamespaces, startCluster } from './cluster.ts';
import { comparePods } from './compare.ts';
import { latencyPods, measureLatency } from './latency.ts';
import { recordReviews } from './record.ts';
import { measureRestarts } from './restarts.ts';
import { startInjector } from './reviews.ts';
import { literals, objects, type Way, webhook } from './ways.ts';

const { values } = parseArgs({
  options: {
    bin: { type: 'string' },
    version: { type: 'string', multiple: true, default: ['1.37', '1.36'] },
    way: { type: 'string', multiple: true, default: ['synced', 'literals'] },
    part: {
      type: 'string',
      multiple: true,
      default: ['compare', 'changes', 'options', 'limits', 'latency', 'restarts'],
    },
    output: { type: 'string' },
  },
});
if (values.bin === undefined) throw new Error('--bin FOLDER: the programs that build-programs.sh made');
const bin = resolve(values.bin);
const ways = Object.entries({ synced: objects, literals, webhook } satisfies Record<string, Way>)
  .filter(([name]) => values.way.includes(name))
  .map(([, way]) => way);
const cases = podCases();
const report: string[] = [
  '# The admission policy in a real API server',
  '',
  `\`node test/consumers/apiserver/main.ts\`, ${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores, ${cpus()[0]?.model ?? ''}.`,
];

endOnSignals();
for (const version of values.version as ('1.36' | '1.37')[]) {
  const folder = mkdtempSync(join(tmpdir(), 'drayage-apiserver-'));
  mkdirSync(join(folder, 'cluster'));
  try {
    await using cluster = await interruptible(() => startCluster(bin, version, join(folder, 'cluster')));
    await createNamespaces(cluster);
    const { gitVersion } = await cluster.get<{ gitVersion: string }>('GET', '/version');
    say('', `## kube-apiserver ${gitVersion}`, '');
    for (const part of values.part) await partOf(part)(cluster, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
if (values.output) writeFileSync(values.output, `${report.join('\n')}\n`);

function partOf(name: string): (cluster: Cluster, folder: string) => Promise<void> {
  const parts: Record<string, (cluster: Cluster, folder: string) => Promise<void>> = {
    record: async (cluster) => say(`recorded: ${(await recordReviews(cluster, cases)).join(', ')}`, ''),
    compare: compareAll,
    changes: changeAndFail,
    options: async (cluster, folder) => told('options', await tryOptions(cluster, folder)),
    limits: findLimits,
    latency: measureLatencies,
    restarts: restartOften,
  };
  const part = parts[name];
  if (part === undefined) throw new Error(`--part ${name}: there are ${Object.keys(parts).join(', ')}`);
  return part;
}

async function compareAll(cluster: Cluster, folder: string): Promise<void> {
  const rows: string[][] = [];
  const compare = async (name: string, cases: readonly PodCase[]) => {
    const { pods, updates, changed, differences } = await comparePods(cluster, cases, podMappings());
    rows.push([name, pods, updates, changed, differences.length].map(String));
    told(name, differences);
  };
  for (const way of ways) {
    await using _ = await way.install(cluster, podMappings(), folder);
    await compare(way.name, cases);
    await using __ = await startInjector(cluster);
    await compare(`${way.name}, with injected sidecars`, cases);
  }
  if (ways.includes(objects)) {
    await using _ = await objects.install(cluster, [...podMappings(), ...fillerMappings(40_000)], folder);
    await compare('policy, four synced objects', cases);
  }
  say(markdownTable(['way', 'pods', 'ephemeral', 'references by digest', 'differences'], rows), '');
}

async function changeAndFail(cluster: Cluster, folder: string): Promise<void> {
  await using _ = await objects.install(cluster, podMappings(), folder);
  const { syncs, pods, effectP50, effectMax, syncP50, wrong } = await changeMappings(cluster, 4_000);
  told('while mappings change', wrong);
  say(
    `${syncs} syncs of 4,014 mappings, each of which moves a tag, while ${pods} pods are created: ${wrong.length} of them got neither the old nor the new digest. A run of the script takes ${ms(syncP50)} (p50); the new digest is in use ${ms(effectP50)} (p50), ${ms(effectMax)} (at most) after its end.`,
    '',
  );
  told('syncs that must fail', await failToSync(cluster));
}

async function findLimits(cluster: Cluster, folder: string): Promise<void> {
  const rows: string[][] = [];
  for (const tags of [500, 2_000, 10_000]) {
    const row = [String(tags)];
    for (const way of [objects, literals]) {
      await using _ = await way.install(cluster, [...podMappings(), ...largeRepository(tags)], folder);
      const count = await imagesThatFit(cluster, tags);
      row.push(count === mostImages ? `at least ${count}` : String(count));
    }
    rows.push(row);
  }
  say('How many images of one repository a pod may have before the API server ends the evaluation:', '');
  say(markdownTable(['tags of the repository', objects.name, literals.name], rows), '');
}

async function measureLatencies(cluster: Cluster, folder: string): Promise<void> {
  const rows: string[][] = [];
  const latency = async () => {
    loads.push(loadavg()[0] ?? 0);
    const { p50, p99, cpu } = await measureLatency(cluster);
    return `${p50.toFixed(1)} / ${p99.toFixed(0)} / ${cpu.toFixed(1)}`;
  };
  const loads: number[] = [];
  rows.push(['nothing installed', await latency(), '', '']);
  for (const way of ways) {
    const row = [way.name];
    for (const count of [0, 4_000, 10_000]) {
      await using _ = await way.install(cluster, [...podMappings(), ...fillerMappings(count)], folder);
      row.push(await latency());
    }
    rows.push(row);
  }
  say(
    `Creating a pod with four containers, of which three are mapped: p50 / p99 / the API server's CPU time per pod, in ms, ${latencyPods} pods each, one after the other. The machine's load average was ${Math.min(...loads).toFixed(0)} to ${Math.max(...loads).toFixed(0)}.`,
    '',
  );
  say(markdownTable(['way', '14 mappings', '4,014', '10,014'], rows), '');
}

async function restartOften(cluster: Cluster, folder: string): Promise<void> {
  for (const way of [objects, literals]) {
    await using _ = await way.install(cluster, [...podMappings(), ...fillerMappings(4_000)], folder);
    const seconds = await measureRestarts(cluster, 4);
    say(
      `${way.name}: after restarts of the API server pods were not rewritten for ${seconds.map((each) => each.toFixed(1)).join(', ')} s.`,
      '',
    );
  }
}

function ms(value: number): string {
  return `${value.toFixed(0)} ms`;
}

function say(...lines: string[]): void {
  report.push(...lines);
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** Reports problems, and that there are none. */
function told(what: string, problems: readonly string[]): void {
  process.stderr.write(
    `${what}: ${problems.length === 0 ? 'as it should be' : problems.slice(0, 5).join('\n  ')}\n`,
  );
  if (problems.length === 0) return;
  process.exitCode = 1;
  say(`FAILED, ${what}: ${problems.length} problems, the first: ${problems[0]}`, '');
}
