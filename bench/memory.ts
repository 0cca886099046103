import { pushStreamedImage } from '../test/support/streamed-image.ts';
import { mebibyte } from './corpus.ts';
import type { BenchOptions } from './options.ts';
import { installedPeers, peerEnvironment } from './peers.ts';
import { startBenchRegistry } from './registry.ts';
import { markdownTable, median } from './statistics.ts';
import { type Timing, timed } from './timed.ts';

const defaultRounds = 1;
const sizes = { '100 MB': 100 * mebibyte, '4 GB': 4096 * mebibyte };

/**
 * Copies an image with one layer, first a small and then a very large one: bytes are streamed, so
 * the memory should be the same.
 */
export async function benchMemory(options: BenchOptions): Promise<string> {
  const rounds = options.rounds ?? defaultRounds;
  const [drayage] = installedPeers([]).peers;
  await using environment = await peerEnvironment();
  await using source = await startBenchRegistry();
  const rows: string[][] = [];
  for (const [what, size] of Object.entries(sizes)) {
    const place = { endpoint: source.endpoint, repository: 'bench', tag: String(size) };
    await pushStreamedImage(place, [{ seed: what, size }]);
    const timings: Timing[] = [];
    for (let round = 0; round < rounds; round++) {
      await using mirror = await startBenchRegistry();
      const [from, to] = [source, mirror].map(({ host }) => `${host}/bench:${size}`);
      const timing = await timed(drayage?.command(from ?? '', to ?? '') ?? [], environment.variables);
      process.stderr.write(`memory ${round + 1}/${rounds} ${what} ${timing.peakMegabytes.toFixed(0)} MB\n`);
      timings.push(timing);
    }
    const middle = (figure: keyof Timing) => median(timings.map((timing) => timing[figure]));
    rows.push([
      what,
      middle('peakMegabytes').toFixed(0),
      middle('wallSeconds').toFixed(2),
      (middle('cpuSeconds') / (size / 1e9)).toFixed(2),
    ]);
  }
  return [
    '## Memory: `drayage copy` of an image of one layer between two docker-registries, without a wire',
    `Whole processes, median of ${rounds}. CPU per GB includes the start of the process.`,
    '',
    markdownTable(['', 'peak MB', 'seconds', 'CPU s/GB'], rows),
  ].join('\n');
}
