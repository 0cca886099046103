import { mebibyte } from './corpus.ts';
import { pushLayerByLayer } from './large-image.ts';
import type { BenchOptions } from './options.ts';
import { hostOf, installedPeers, type Peer, peerEnvironment, turned } from './peers.ts';
import { startBenchRegistry } from './registry.ts';
import { markdownTable, median } from './statistics.ts';
import { type Timing, timed } from './timed.ts';

const defaultRounds = 7;
const layers = Array.from({ length: 8 }, (_, n) => ({ seed: `copy ${n}`, size: 128 * mebibyte }));
const bytes = layers.reduce((sum, layer) => sum + layer.size, 0);

/**
 * Copies a gigabyte in eight layers between two docker-registries, each peer in turn, and compares
 * the medians.
 */
export async function benchCopy(options: BenchOptions): Promise<string> {
  const rounds = options.rounds ?? defaultRounds;
  const { peers, note } = installedPeers(options.peers);
  await using environment = await peerEnvironment();
  await using source = await startBenchRegistry();
  const blobs = await pushLayerByLayer({ endpoint: source.endpoint, repository: 'bench', tag: '1' }, layers);
  const limit: Peer = { name: 'limit', command: (from, to) => ['bash', '-c', pipes(blobs, from, to)] };
  const measured = [...peers, limit];
  const timings = new Map<string, Timing[]>(measured.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, command } of turned(measured, round)) {
      // A new registry each time: otherwise blobs could be mounted from another repository.
      await using mirror = await startBenchRegistry();
      const timing = await timed(
        command(`${source.host}/bench:1`, `${mirror.host}/bench:1`),
        environment.variables,
      );
      timings.get(name)?.push(timing);
      process.stderr.write(`copy ${round + 1}/${rounds} ${name} ${timing.wallSeconds} s\n`);
    }
  }
  const middle = (name: string, figure: keyof Timing) =>
    median((timings.get(name) ?? []).map((timing) => timing[figure]));
  const rows = measured.map(({ name }) => [
    name,
    middle(name, 'wallSeconds').toFixed(2),
    (middle('drayage', 'wallSeconds') / middle(name, 'wallSeconds')).toFixed(2),
    (middle(name, 'cpuSeconds') / (bytes / 1e9)).toFixed(2),
    middle(name, 'peakMegabytes').toFixed(0),
  ]);
  return [
    `## Copy: ${layers.length} layers of 128 MiB between two docker-registries, without a wire`,
    `Whole processes, median of ${rounds} interleaved runs. \`limit\` is the same bytes through \`curl | curl\`, one pair for each layer, all at`,
    `once: the limit of loopback, both registries and two cores. Ratio: our time divided by theirs. ${note}`,
    '',
    markdownTable(['', 'seconds', 'ratio', 'CPU s/GB', 'peak MB'], rows),
  ].join('\n');
}

/**
 * The same bytes through two curls and a pipe for each layer, all at once: no hashes, no manifest,
 * no other requests.
 */
function pipes(blobs: string[], from: string, to: string): string {
  const one = (digest: string) => `
  { location=$(curl -sf -X POST -D - -o /dev/null http://${hostOf(to)}/v2/bench/blobs/uploads/ | tr -d '\\r' | sed -n 's/^[Ll]ocation: //p')
    curl -sf http://${hostOf(from)}/v2/bench/blobs/${digest} | curl -sf -T - -H 'Expect:' "$location&digest=${digest}" >/dev/null; } &`;
  return `set -e\n${blobs.map(one).join('\n')}\nwait`;
}
