import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { startDockerRegistry } from '../test/support/docker-registry.ts';
import { pushImage, seededImage } from '../test/support/seeded-image.ts';
import { markdownTable, median } from './statistics.ts';
import { type Timing, timed } from './timed.ts';

const rounds = 7;
const layers = Array.from({ length: 8 }, () => ({ size: 64 * 1024 * 1024 }));
const drayage = join(import.meta.dirname, '..', 'cli', 'drayage.js');

/** A command that copies the image from one registry into a repository of another. */
type Copier = (from: string, to: string) => string[];

const copiers: Record<string, Copier> = {
  drayage: (from, to) => [process.execPath, drayage, 'copy', from, to, '--plain-http', '--json'],
  skopeo: (from, to) => [
    ...['skopeo', 'copy', '--all', '--src-tls-verify=false', '--dest-tls-verify=false'],
    ...[`docker://${from}`, `docker://${to}`],
  ],
  crane: (from, to) => ['crane', 'copy', '--insecure', '-j', '16', from, to],
  regctl: (from, to) => [
    'regctl',
    'image',
    'copy',
    '--host',
    `reg=${hostOf(from)},tls=disabled`,
    '--host',
    `reg=${hostOf(to)},tls=disabled`,
    from,
    to,
  ],
  // The same bytes through two curls and a pipe for each layer, all at once: no hash, no manifest, no questions.
  limit: (from, to) => ['bash', '-c', pipes(from, to)],
};

const blobs: string[] = [];

/** Copies 512 MB in eight layers between two docker-registries, each peer in turn, and compares the medians. */
export async function benchCopy(): Promise<string> {
  await using source = await startDockerRegistry();
  const image = seededImage({ seed: 'bench', layers });
  await pushImage(source.endpoint, 'bench', '1', image);
  blobs.push(...image.layers.map((layer) => layer.digest));
  const peers = Object.entries(copiers).filter(
    ([name]) => name === 'limit' || name === 'drayage' || isInstalled(name),
  );
  const timings = new Map<string, Timing[]>(peers.map(([name]) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, command] of peers) {
      // An empty registry each time: another repository of the same one could be mounted from.
      await using destination = await startDockerRegistry();
      timings.get(name)?.push(await timed(command(`${source.host}/bench:1`, `${destination.host}/bench:1`)));
    }
  }
  const middle = (name: string, figure: keyof Timing) =>
    median((timings.get(name) ?? []).map((timing) => timing[figure]));
  const rows = peers.map(([name]) => [
    name,
    middle(name, 'wallSeconds').toFixed(2),
    (middle('drayage', 'wallSeconds') / middle(name, 'wallSeconds')).toFixed(2),
    (middle(name, 'cpuSeconds') / (bytes() / 1e9)).toFixed(2),
    middle(name, 'peakMegabytes').toFixed(0),
  ]);
  return [
    `## Copy: ${layers.length} layers of 64 MiB between two docker-registries`,
    `Whole processes, median of ${rounds} interleaved runs. \`limit\` is the same bytes through \`curl | curl\`, one pair a layer, all at`,
    'once: what loopback, both registries and two cores allow. Ratio: our time divided by theirs.',
    '',
    markdownTable(['', 'seconds', 'ratio', 'CPU s/GB', 'peak MB'], rows),
  ].join('\n');
}

function bytes(): number {
  return layers.reduce((sum, layer) => sum + layer.size, 0);
}

function hostOf(image: string): string {
  return image.split('/')[0] ?? '';
}

function isInstalled(program: string): boolean {
  return spawnSync('which', [program]).status === 0;
}

function pipes(from: string, to: string): string {
  const one = (digest: string) => `
  { location=$(curl -sf -X POST -D - -o /dev/null http://${hostOf(to)}/v2/bench/blobs/uploads/ | tr -d '\\r' | sed -n 's/^[Ll]ocation: //p')
    curl -sf http://${hostOf(from)}/v2/bench/blobs/${digest} | curl -sf -T - -H 'Expect:' "$location&digest=${digest}" >/dev/null; } &`;
  return `set -e\n${blobs.map(one).join('\n')}\nwait`;
}
