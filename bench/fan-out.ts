import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Digest } from '../core/oci/digest.ts';
import { type Pipeline, startPipeline } from '../test/support/pipeline.ts';
import { expectPulled, pushStreamedImage } from '../test/support/streamed-image.ts';
import { mebibyte } from './corpus.ts';
import { startWorker, type Worker } from './fan-out/worker.ts';
import { interruptible } from './interruption.ts';
import type { BenchOptions } from './options.ts';
import { markdownTable, median } from './statistics.ts';
import { narrowWire } from './wire/wire.ts';

const layers = Array.from({ length: 16 }, (_, n) => ({ seed: `fan-out ${n}`, size: 32 * mebibyte }));
const bytes = layers.reduce((sum, { size }) => sum + size, 0);
const fanOutBytes = 16 * mebibyte;
const repository = 'acme/fan-out';
const { streamBytesPerSecond: stream, totalBytesPerSecond: total = stream } = narrowWire;
/**
 * How many processes, how many layers at once in each, and how many runs: long runs vary little.
 * Two streams fill a process's wire; with one, a process is like an instance in Lambda.
 */
const settings = [
  { workers: 1, streams: 2, rounds: 1 },
  { workers: 2, streams: 2, rounds: 1 },
  { workers: 4, streams: 2, rounds: 1 },
  { workers: 8, streams: 2, rounds: 3 },
  { workers: 1, streams: 1, rounds: 1 },
  { workers: 8, streams: 1, rounds: 3 },
];

/**
 * Copies one large image with several processes, each on wires of its own, and compares numbers of
 * processes.
 */
export async function benchFanOut(options: BenchOptions): Promise<string> {
  const rows: string[][] = [];
  const times: { workers: number; streams: number; seconds: number }[] = [];
  for (const { workers, streams, ...usual } of settings) {
    const rounds = options.rounds ?? usual.rounds;
    const runs: FanOutRun[] = [];
    for (let round = 0; round < rounds; round++) {
      const run = await runFanOut(workers, streams);
      process.stderr.write(
        `fan-out ${workers} × ${streams} ${run.seconds.toFixed(2)} s, ${run.coresBusy.toFixed(1)} cores busy\n`,
      );
      runs.push(run);
    }
    const seconds = median(runs.map((run) => run.seconds));
    const limit = bytes / (workers * Math.min(streams * stream, total));
    times.push({ workers, streams, seconds });
    rows.push([
      `${workers} × ${streams}`,
      String(rounds),
      seconds.toFixed(2),
      limit.toFixed(2),
      (seconds / limit).toFixed(2),
      median(runs.map((run) => run.layersSeconds)).toFixed(2),
      median(runs.map((run) => run.idlest / 1e6)).toFixed(0),
      median(runs.map((run) => run.coresBusy)).toFixed(1),
    ]);
  }
  const of = (workers: number, streams: number) =>
    times.find((time) => time.workers === workers && time.streams === streams)?.seconds ?? Number.NaN;
  return [
    `## Fan-out: ${layers.length} layers of 32 MiB by processes with a wire each`,
    `Each process: ${total / 1e6} MB/s to the upstream and to the mirror, ${stream / 1e6} MB/s a stream, ${narrowWire.roundTripMs} ms there and back; it runs the handlers of`,
    `the layer function, one of them those of the mirror function, too, on one local stack. Seconds: from the first`,
    'byte of a blob to the published mapping, median of the runs; the layers alone: to the last byte that the mirror took of them. Limit: all bytes at the full speed of all wires.',
    'Cores busy: of this machine, with any work; if it is nearly all of them, they are the bottleneck.',
    '',
    markdownTable(
      [
        'processes × layers at once',
        'runs',
        'seconds',
        'limit',
        'to the limit',
        'the layers alone',
        'least MB of a process',
        'cores busy',
      ],
      rows,
    ),
    '',
    `8 : 1 with two layers at once: ${(of(1, 2) / of(8, 2)).toFixed(1)} ×; with one: ${(of(1, 1) / of(8, 1)).toFixed(1)} ×.`,
  ].join('\n');
}

interface FanOutRun {
  seconds: number;
  layersSeconds: number;
  /** What the least busy worker has read from upstream, in bytes. */
  idlest: number;
  /**
   * How many of the machine's cores were busy, with any work: if nearly all, they are the
   * bottleneck.
   */
  coresBusy: number;
}

async function runFanOut(workers: number, streams: number): Promise<FanOutRun> {
  await using pipeline = await interruptible(() =>
    startPipeline({ mirrorInstances: 0, layerInstances: 0, fanOutBytes }),
  );
  const place = { endpoint: pipeline.upstream.endpoint, repository, tag: '1' };
  const image = await pushStreamedImage(place, layers);
  await using started = new AsyncDisposableStack();
  const running: Worker[] = [];
  for (let n = 0; n < workers; n++) {
    const worker = await startWorker(pipeline, narrowWire, { layers: streams, mirror: n === 0 });
    running.push(started.use(worker));
  }
  const before = busySeconds();
  const sent = performance.now();
  await pipeline.github(repository, '1');
  const { begun, layersEnded, ended } = await follow(
    pipeline,
    image.blobs.map(({ digest }) => digest),
  );
  const coresBusy = (busySeconds() - before) / ((ended - sent) / 1000);
  const mirror = {
    endpoint: pipeline.stack.registry.endpoint,
    repository: `mirror/ghcr.io/${repository}`,
    tag: '1',
  };
  await expectPulled(mirror, image);
  const counts = await Promise.all(running.map((worker) => worker.read()));
  return {
    seconds: (ended - begun) / 1000,
    layersSeconds: (layersEnded - begun) / 1000,
    idlest: Math.min(...counts.map(({ upstream }) => upstream.bytesDown)),
    coresBusy,
  };
}

/**
 * When the first byte of a blob left upstream, when the mirror had the last blob, and when the
 * mapping was published.
 */
async function follow({ upstream, stack, mapping }: Pipeline, blobs: Digest[]) {
  const since = upstream.requests.length;
  const isServed = () =>
    upstream.requests
      .slice(since)
      .some(({ method, path, bytesOut }) => method === 'GET' && path.includes('/blobs/') && bytesOut > 0);
  while (!isServed()) await sleep(2);
  const begun = performance.now();
  const has = (digest: Digest) => stack.registry.hasBlob(`mirror/ghcr.io/${repository}`, digest);
  while (!blobs.every(has)) await sleep(5);
  const layersEnded = performance.now();
  while ((await mapping(`ghcr.io/${repository}:1`)) === undefined) await sleep(10);
  return { begun, layersEnded, ended: performance.now() };
}

/** The busy time of all cores together since the machine's start. */
function busySeconds(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0) / 1000;
}
