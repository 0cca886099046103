import { limitOfTags } from '../limits.ts';
import { markdownTable, median } from '../statistics.ts';
import { requestsOf, type WireCounts } from '../wire/counts.ts';
import { usualWire } from '../wire/wire.ts';
import type { TagsCase } from './cases.ts';
import { layersOf, type TagsCorpus, tagsWork } from './corpus.ts';
import { crossingsOf } from './crossings.ts';
import type { TagsRun, TagsRuns } from './run.ts';

/** The peers that seconds are divided by. */
const comparedWith = ['crane', 'regsync'];

/** An explanation of the tables. */
export function introduction(rounds: number, note: string): string {
  const { roundTripMs, streamBytesPerSecond } = usualWire;
  return [
    '## Tags: all tags of repositories, between two docker-registries',
    `R = ${roundTripMs} ms on the wire: each request waits R before it is forwarded, the first on a connection 3 R. ${streamBytesPerSecond / 1e6} MB/s for each`,
    `body, each way. Median of ${rounds} interleaved rounds; programs that take longer than a minute run once. Cold: into a new registry;`,
    `again: the same copy right after that. Each tag’s digest is compared with the upstream’s after each run. ${note}`,
    '',
    '- seconds: from the first request of any kind to the end of the last answer except to pings; wall: the whole processes.',
    '- requests, connections: upstream + mirror. Pings (`GET /v2/`) are counted separately.',
    '- MB: read from upstream + written to the mirror. Without a wire, only the former, without heads.',
    '- layers read: from upstream, of the distinct ones; most: reads of the most-read layer.',
    '- CPU s: of the program; others: of both registries and the wires, on the same cores.',
    '- to the limit, to crane, to regsync: seconds divided by theirs.',
    '- drayage copy and crane handle one repository: for several, a loop of processes, one after the other. regsync, with `parallel` and',
    '  `reqConcurrent` 16, takes the tags of a repository one after the other; skopeo sync does so with all.',
    '- drayage local: the embedded pipeline, from the first webhook (one for each tag, all at once) to the last mapping. Its',
    '  mirror is embedded, without a wire and not counted; its peak is that of the whole stack, in both tables.',
  ].join('\n');
}

/** The two tables of a case. */
export function caseReport(
  { name, isWired }: TagsCase,
  corpus: TagsCorpus,
  runs: Map<string, TagsRuns[]>,
  failures: string[],
): string {
  const table = (mode: keyof TagsRuns) => {
    const limit = limitOfTags(tagsWork(corpus, mode === 'again'), usualWire);
    const theirs = [...runs].map(
      ([program, all]) => [program, all.map((each) => each[mode])] as [string, TagsRun[]],
    );
    return [
      `### ${name}, ${mode}: ${corpus.what}${isWired ? '' : ', without a wire'}`,
      ...(isWired ? [`Limit ${limit.seconds.toFixed(2)} s: ${limit.madeOf}.`] : []),
      '',
      tableOf(theirs, corpus, isWired ? limit.seconds : undefined),
    ].join('\n');
  };
  return [table('cold'), ...failures.map((failure) => `**${failure}**`), table('again')].join('\n\n');
}

function tableOf(runs: [string, TagsRun[]][], corpus: TagsCorpus, limit: number | undefined): string {
  const layers = layersOf(corpus);
  const measured = runs.filter(([, theirs]) => theirs.length > 0);
  const secondsOf = (theirs: TagsRun[]) => median(theirs.map(({ seconds }) => seconds));
  const compared = measured.filter(([name]) => comparedWith.includes(name));
  const rows = measured.map(([name, theirs]) => {
    const middle = (figure: (run: TagsRun) => number) => median(theirs.map(figure));
    const both = (figure: (counts: WireCounts) => number) => {
      const upstream = middle((run) => figure(run.upstream)).toFixed(0);
      const mirror = middle((run) => (run.mirror ? figure(run.mirror) : Number.NaN));
      return Number.isNaN(mirror) ? upstream : `${upstream} + ${mirror.toFixed(0)}`;
    };
    const written = middle((run) => run.mirror?.bytesUp ?? 0);
    const seconds = secondsOf(theirs);
    return [
      name,
      seconds.toFixed(2),
      middle((run) => run.wallSeconds).toFixed(2),
      both(requestsOf),
      both(({ pings }) => pings),
      both(({ connections }) => connections),
      `${megabytes(middle((run) => run.upstream.bytesDown))}${written > 0 ? ` + ${megabytes(written)}` : ''}`,
      `${middle((run) => crossingsOf(run, layers).reads)} of ${layers.size}`,
      String(Math.max(...theirs.map((run) => crossingsOf(run, layers).most))),
      fixed(
        middle((run) => run.cpuSeconds),
        2,
      ),
      middle((run) => run.othersCpuSeconds).toFixed(2),
      middle((run) => run.peakMegabytes).toFixed(0),
      ...(limit === undefined ? [] : [(seconds / limit).toFixed(2)]),
      ...compared.map(([, others]) => (seconds / secondsOf(others)).toFixed(2)),
      String(theirs.length),
    ];
  });
  const what = ['seconds', 'wall', 'requests', 'pings', 'connections', 'MB', 'layers read', 'most', 'CPU s'];
  const ratios = [
    ...(limit === undefined ? [] : ['to the limit']),
    ...compared.map(([name]) => `to ${name}`),
  ];
  return markdownTable(['', ...what, 'others', 'peak MB', ...ratios, 'runs'], rows);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e6 ? 2 : 1);
}

function fixed(figure: number, digits: number): string {
  return Number.isNaN(figure) ? '' : figure.toFixed(digits);
}
