import type { BenchOptions } from './options.ts';
import { type PeerEnvironment, peerEnvironment, turned } from './peers.ts';
import { startBenchRegistry } from './registry.ts';
import { type TagsCase, tagsCases } from './tags/cases.ts';
import { layersOf, pushCorpus } from './tags/corpus.ts';
import { checkCrossings } from './tags/crossings.ts';
import { runPipeline } from './tags/pipeline.ts';
import { installedPrograms, type TagsProgram } from './tags/programs.ts';
import { caseReport, introduction } from './tags/report.ts';
import { openRoad } from './tags/road.ts';
import { runProgram, type TagsRuns, type Upstream } from './tags/run.ts';

const defaultRounds = 3;
/** Programs that take longer, cold and again together, run only once. */
const slowSeconds = 60;

/** Something that copies a corpus into an empty mirror, and then again. */
interface Contestant {
  name: string;
  /** Whether it must read each layer exactly once. */
  readsOnce: boolean;
  run(upstream: Upstream): Promise<TagsRuns>;
}

/**
 * Copies all tags of one repository and of twenty, over a simulated wire and without one, each
 * program in turn. If a program fails, or a tag is missing afterwards, the bench continues with the
 * others, reports it, and exits with 1.
 */
export async function benchTags(options: BenchOptions): Promise<string> {
  const rounds = options.rounds ?? defaultRounds;
  const { programs, note } = installedPrograms(options.peers);
  const cases = tagsCases(options.cases);
  await using environment = await peerEnvironment();
  const parts = [introduction(rounds, note)];
  for (const each of cases) parts.push(await runCase(each, programs, rounds, environment));
  return parts.join('\n\n');
}

async function runCase(
  each: TagsCase,
  programs: TagsProgram[],
  rounds: number,
  environment: PeerEnvironment,
): Promise<string> {
  const corpus = each.corpus();
  const layers = layersOf(corpus);
  await using registry = await startBenchRegistry();
  await pushCorpus(registry.endpoint, corpus);
  await using road = await openRoad(registry, each.isWired);
  const upstream: Upstream = { corpus, registry, road, isWired: each.isWired };
  const contestants = contestantsOf(each, programs, corpus.repositories.length, environment);
  const runs = new Map<string, TagsRuns[]>(contestants.map(({ name }) => [name, []]));
  const failures: string[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const { name, readsOnce, run } of turned(contestants, round)) {
      if (runs.get(name)?.some(isSlow)) continue;
      const told = `${each.name} ${round + 1}/${rounds} ${name}`;
      try {
        const both = await run(upstream);
        if (readsOnce) checkCrossings(both.cold, layers);
        runs.get(name)?.push(both);
        const [cold, again] = [both.cold, both.again].map(({ seconds }) => seconds.toFixed(2));
        process.stderr.write(`${told} ${cold} s, again ${again} s\n`);
      } catch (error) {
        process.exitCode = 1;
        failures.push(`${name} FAILED in round ${round + 1}: ${String(error).slice(0, 300)}`);
        process.stderr.write(`${told} FAILED: ${error}\n`);
      }
    }
  }
  return caseReport(each, corpus, runs, failures);
}

function contestantsOf(
  { hasPipeline }: TagsCase,
  programs: TagsProgram[],
  repositories: number,
  environment: PeerEnvironment,
): Contestant[] {
  const ours = programs.filter(({ isOurs }) => isOurs);
  const peers = programs.filter(({ isOurs }) => !isOurs);
  const contestant = (program: TagsProgram): Contestant => ({
    name: program.name,
    // Consecutive processes know nothing of each other's layers.
    readsOnce: program.isOurs && !(program.isLoop && repositories > 1),
    run: (upstream) => runProgram(upstream, program, environment),
  });
  const pipeline: Contestant = {
    name: 'drayage local',
    readsOnce: true,
    run: (upstream) => runPipeline(upstream, environment),
  };
  return [...ours.map(contestant), ...(hasPipeline ? [pipeline] : []), ...peers.map(contestant)];
}

function isSlow({ cold, again }: TagsRuns): boolean {
  return cold.wallSeconds + again.wallSeconds > slowSeconds;
}
