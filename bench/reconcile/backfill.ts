import { fork } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '../../core/mirror-yaml/parse.ts';
import { seededImage } from '../../test/support/seeded-image.ts';
import { kibibyte, mebibyte } from '../corpus.ts';
import { interruptible } from '../interruption.ts';
import { peerEnvironment } from '../peers.ts';
import { drayage } from '../published.ts';
import { startBenchRegistry } from '../registry.ts';
import { markdownTable, median } from '../statistics.ts';
import { mirrorFile, prefix, registryName } from '../tags/configurations.ts';
import { pushCorpus, type TagsCorpus } from '../tags/corpus.ts';
import { openRoad, type Road } from '../tags/road.ts';
import { timed } from '../timed.ts';
import type { StackOrder, StackTold } from './stack.ts';

const [repositories, tags, bases] = [50, 10, 4];
const images = repositories * tags;
const rounds = 2;
/** How many functions mirror side by side: each takes ten images. As deployed, there are ten. */
const instances = 4;

/**
 * 500 images from nothing, behind a simulated wire: by `drayage sync`, and by the pipeline, whose
 * reconcile function finds and queues them. Both in turn, so that the machine is the same.
 */
export async function benchBackfill(): Promise<string> {
  const corpus = corpusOf();
  await using registry = await startBenchRegistry();
  await pushCorpus(registry.endpoint, corpus);
  await using road = await openRoad(registry, true);
  const [synced, backfilled]: [Spent[], Spent[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    const measure = async (what: string, spent: Promise<Spent>, all: Spent[]) => {
      all.push(await spent);
      process.stderr.write(
        `reconcile: ${round + 1}/${rounds}: ${what} ${all.at(-1)?.seconds.toFixed(1)} s, CPU ${all.at(-1)?.cpuSeconds.toFixed(1)} s\n`,
      );
    };
    await measure('sync', sync(road), synced);
    await measure('backfill', backfill(road, corpus), backfilled);
  }
  const row = (what: string, spent: Spent[], of: (each: Spent) => number) => [
    what,
    median(spent.map(of)).toFixed(1),
    spent.map((each) => of(each).toFixed(1)).join(', '),
  ];
  const ratio = (what: string, of: (each: Spent) => number) => {
    const each = backfilled.map((spent, round) => of(spent) / of(synced[round] ?? spent));
    return [what, median(each).toFixed(2), each.map((one) => one.toFixed(2)).join(', ')];
  };
  const seconds = (spent: Spent) => spent.seconds;
  const cpu = (spent: Spent) => spent.cpuSeconds;
  return [
    `## Backfill of ${images} images in ${repositories} repositories, from nothing`,
    `${bases} bases of 1 MiB among them, each image with 2 × 64 KiB of its own. The upstream is behind a wire with round trips of 50 ms; the mirrors are on loopback: docker-registry for sync, the embedded registry for the pipeline, whose emulators of SQS and DynamoDB run on the same cores. ${instances} mirror functions of ten images each. Seconds from the start of sync's process, or of the comparison, to the last image. CPU: sync and its mirror; the pipeline with its emulators and its mirror.`,
    `A load of ${loadavg()[0]?.toFixed(0)} on ${cpus().length} processors at the end.`,
    '',
    markdownTable(
      ['', 'median', 'rounds'],
      [
        row('drayage sync, seconds', synced, seconds),
        row('backfill by the pipeline, seconds', backfilled, seconds),
        ratio('backfill ÷ sync, of the same round', seconds),
        row('drayage sync, CPU seconds', synced, cpu),
        row('backfill by the pipeline, CPU seconds', backfilled, cpu),
        ratio('CPU, backfill ÷ sync', cpu),
      ],
    ),
  ].join('\n');
}

/** What a run took. */
interface Spent {
  seconds: number;
  cpuSeconds: number;
}

async function sync(road: Road): Promise<Spent> {
  await using mirror = await startBenchRegistry();
  await using environment = await peerEnvironment();
  const file = join(environment.folder, 'mirror.yaml');
  writeFileSync(file, JSON.stringify(mirrorFile({ from: road.host })));
  await road.reset();
  const before = mirror.cpuSeconds();
  const command = [process.execPath, drayage, 'sync', '--config', file, '--to', `${mirror.host}/${prefix}`];
  const { wallSeconds, cpuSeconds } = await timed(
    [...command, '--dst-plain-http', '--json'],
    environment.variables,
  );
  return { seconds: wallSeconds, cpuSeconds: cpuSeconds + mirror.cpuSeconds() - before };
}

async function backfill(road: Road, corpus: TagsCorpus): Promise<Spent> {
  const parsed = parseConfig(JSON.stringify(mirrorFile({ from: road.host })));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  await using environment = await peerEnvironment();
  const log = join(environment.folder, 'stack.log');
  const child = fork(join(import.meta.dirname, 'stack.ts'), [], {
    stdio: ['ignore', 'ignore', openSync(log, 'w'), 'ipc'],
  });
  await using _ = await interruptible(() => ({
    [Symbol.asyncDispose]: async () => void child.kill('SIGKILL'),
  }));
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the stack ended with ${code}: ${readFileSync(log, 'utf8').slice(-2_000)}`);
  });
  ended.catch(() => {}); // it is ended in the end
  const told = async () => (await Promise.race([once(child, 'message'), ended]))[0] as unknown;
  const ready = told();
  child.send({ config: parsed.config, images, instances } satisfies StackOrder);
  await ready;
  await road.reset();
  const done = told();
  const began = performance.now();
  child.send('go');
  const { mapped, cpuSeconds } = (await done) as StackTold;
  const seconds = (performance.now() - began) / 1_000;
  check(mapped, corpus);
  return { seconds, cpuSeconds };
}

function check(mapped: Record<string, string>, corpus: TagsCorpus): void {
  const wrong = corpus.images.filter(
    ({ repository, tag, image }) => mapped[`${registryName}/${repository}:${tag}`] !== image.manifest.digest,
  );
  if (wrong.length > 0) throw new Error(`${wrong.length} of ${images} mappings are wrong`);
}

function corpusOf(): TagsCorpus {
  const names = Array.from({ length: repositories }, (_, n) => `acme/backfill-${n}`);
  const all = names.flatMap((repository, n) => {
    const base = { size: mebibyte, seed: `backfill base ${n % bases}` };
    return Array.from({ length: tags }, (_, version) => {
      const layers = [base, { size: 64 * kibibyte }, { size: 64 * kibibyte }];
      return {
        repository,
        tag: `1.${version}`,
        image: seededImage({ seed: `${repository} ${version}`, layers }),
      };
    });
  });
  return { what: `${images} images`, repositories: names, images: all };
}
