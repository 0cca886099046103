import { limitOf } from './limits.ts';
import type { BenchOptions } from './options.ts';
import { installedPeers, peerEnvironment, turned } from './peers.ts';
import { startBenchRegistry } from './registry.ts';
import { markdownTable, median } from './statistics.ts';
import { requestsOf, type WireCounts } from './wire/counts.ts';
import { startWire, usualWire } from './wire/wire.ts';
import { type WiredCase, wiredCases, workOf } from './wired-cases.ts';
import { fillUpstream, runWired, type WiredPair, type WiredRun } from './wired-run.ts';

const defaultRounds = 5;

/**
 * Copies over a simulated wire, each case with each peer in turn, and compares the medians with the
 * limit of the wire.
 */
export async function benchWiredCopy(options: BenchOptions): Promise<string> {
  const rounds = options.rounds ?? defaultRounds;
  const { peers, note } = installedPeers(options.peers);
  const cases = wiredCases(options.cases);
  await using environment = await peerEnvironment();
  await using upstream = await startBenchRegistry();
  await using upstreamWire = await startWire();
  await using mirrorWire = await startWire();
  const pair: WiredPair = { upstream, upstreamWire, mirrorWire };
  await fillUpstream(upstream, cases);
  const parts = [introduction(rounds, note)];
  for (const wiredCase of cases) {
    const runs = new Map<string, WiredRun[]>(peers.map(({ name }) => [name, []]));
    const failures: string[] = [];
    for (let round = 0; round < rounds; round++) {
      for (const peer of turned(peers, round)) {
        try {
          const run = await runWired(pair, peer, wiredCase, environment.variables);
          runs.get(peer.name)?.push(run);
          process.stderr.write(
            `${wiredCase.name} ${round + 1}/${rounds} ${peer.name} ${run.seconds.toFixed(2)} s\n`,
          );
        } catch (error) {
          failures.push(`${peer.name} failed in round ${round + 1}.`);
          process.stderr.write(`${wiredCase.name} ${round + 1}/${rounds} ${peer.name}: ${error}\n`);
        }
      }
    }
    parts.push(caseReport(wiredCase, runs, failures));
  }
  return parts.join('\n\n');
}

function introduction(rounds: number, note: string): string {
  const { roundTripMs, streamBytesPerSecond } = usualWire;
  return [
    '## Wire: copies between two docker-registries, each behind a simulated wire',
    `R = ${roundTripMs} ms: each request waits R before it is forwarded, the first on a connection 3 R. ${streamBytesPerSecond / 1e6} MB/s for`,
    `each body, each way. Median of ${rounds} interleaved runs, each into a new registry. ${note}`,
    '',
    '- seconds: from the first request of any kind to the end of the last answer except to pings; wall: the whole process.',
    '- requests, connections: upstream + mirror. Pings (`GET /v2/`) are counted separately; attempts to use TLS are not counted.',
    '- MB: read from upstream + written to the mirror, heads included.',
    '- to the limit, to skopeo: seconds divided by theirs.',
  ].join('\n');
}

function caseReport(wiredCase: WiredCase, runs: Map<string, WiredRun[]>, failures: string[]): string {
  const limit = limitOf(workOf(wiredCase), usualWire);
  const secondsOf = (name: string) => median((runs.get(name) ?? []).map(({ seconds }) => seconds));
  const rows = [...runs].map(([name, theirs]) => {
    const middle = (figure: (run: WiredRun) => number) => median(theirs.map(figure));
    const both = (figure: (counts: WireCounts) => number) =>
      [middle((run) => figure(run.upstream)), middle((run) => figure(run.mirror))]
        .map(Math.round)
        .join(' + ');
    return [
      name,
      secondsOf(name).toFixed(2),
      middle((run) => run.wallSeconds).toFixed(2),
      both(requestsOf),
      both(({ pings }) => pings),
      both(({ connections }) => connections),
      `${megabytes(middle((run) => run.upstream.bytesDown))} + ${megabytes(middle((run) => run.mirror.bytesUp))}`,
      middle((run) => run.cpuSeconds).toFixed(2),
      middle((run) => run.peakMegabytes).toFixed(0),
      (secondsOf(name) / limit.seconds).toFixed(2),
      runs.has('skopeo') ? (secondsOf(name) / secondsOf('skopeo')).toFixed(2) : '',
    ];
  });
  const shares = [...runs.values()].flat().map((run) => {
    return Math.max(run.upstream.ownCpuSeconds, run.mirror.ownCpuSeconds) / run.wallSeconds;
  });
  return [
    `### ${wiredCase.what}`,
    `Limit ${limit.seconds.toFixed(2)} s: ${limit.madeOf}. The wires took at most ${Math.round(Math.max(0, ...shares) * 100)} % of a core each.`,
    ...failures,
    '',
    markdownTable(
      [
        '',
        'seconds',
        'wall',
        'requests',
        'pings',
        'connections',
        'MB',
        'CPU s',
        'peak MB',
        'to the limit',
        'to skopeo',
      ],
      rows,
    ),
  ].join('\n');
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e6 ? 2 : 1);
}
