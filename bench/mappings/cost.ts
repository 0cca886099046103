import { markdownTable, median } from '../statistics.ts';
import type { TableUse } from './counting-proxy.ts';
import type { Invoked } from './function.ts';
import type { PublicationUse } from './publication.ts';

/**
 * List prices in US dollars, us-east-1, without free tiers.
 *
 * https://aws.amazon.com/api-gateway/pricing/ (HTTP APIs, the first 300 million)
 * https://aws.amazon.com/lambda/pricing/ (arm64)
 * https://aws.amazon.com/s3/pricing/ (S3 Standard)
 * https://aws.amazon.com/dynamodb/pricing/on-demand/
 * https://aws.amazon.com/ec2/pricing/on-demand/#Data_Transfer (to the internet, the first 10 TB)
 */
const prices = {
  apiRequest: 1 / 1e6,
  invocation: 0.2 / 1e6,
  gigabyteSecond: 0.0000133334,
  s3Put: 0.005 / 1e3,
  s3Get: 0.0004 / 1e3,
  readUnit: 0.125 / 1e6,
  writeUnit: 0.625 / 1e6,
  gigabyteOut: 0.09,
};

const clusters = 1_000;
const pushesADay = 10_000;
const days = 30;
const minutes = days * 24 * 60;
/** The memory of both functions, and the share of a processor that comes with it. */
const gigabytes = 0.5;
const processorShare = 512 / 1_769;
/** How often an instance of the API function asks which snapshot is stored. */
const headEverySeconds = 5;
/** The headers of a 304, in bytes. */
const notModifiedBytes = 400;

/** What was measured, as far as it costs money. */
export interface Measured {
  built: { first: Invoked; gzipBytes: number };
  polls: { notModified: Invoked[] };
  build: TableUse;
  published: PublicationUse;
}

/** What 1,000 clusters and 10,000 pushes a day cost in a month, in Markdown. */
export function costReport({ built, polls, build, published }: Measured): string {
  const requests = clusters * minutes;
  const pollSeconds = billedSeconds(median(polls.notModified.map(({ cpuMs }) => cpuMs)));
  const busy = Math.max(1, Math.ceil((requests * pollSeconds) / (days * 86_400)));
  const heads = (busy * days * 86_400) / headEverySeconds;
  const pushes = pushesADay * days;
  const pushReads = published.webhook.reads + published.mirror.reads;
  const pushWrites = published.webhook.writes + published.mirror.writes;
  const buildSeconds = billedSeconds(built.first.cpuMs);
  const rows: [string, string, number][] = [
    ['polls: API Gateway', `${millions(requests)} requests`, requests * prices.apiRequest],
    ['polls: Lambda requests', `${millions(requests)}`, requests * prices.invocation],
    [
      'polls: Lambda duration',
      `${(pollSeconds * 1000).toFixed(0)} ms each`,
      requests * pollSeconds * gigabytes * prices.gigabyteSecond,
    ],
    ['polls: HEAD of the snapshot', `${millions(heads)} requests`, heads * prices.s3Get],
    [
      'polls: headers out to the internet',
      `${((requests * notModifiedBytes) / 1e9).toFixed(1)} GB`,
      ((requests * notModifiedBytes) / 1e9) * prices.gigabyteOut,
    ],
    ['polls: table', 'no reads', 0],
    ['pushes: table reads', `${pushReads.toFixed(1)} units each`, pushes * pushReads * prices.readUnit],
    ['pushes: table writes', `${pushWrites.toFixed(1)} units each`, pushes * pushWrites * prices.writeUnit],
    [
      'snapshot, built every minute: table reads',
      `${build.reads.toFixed(0)} units each`,
      minutes * build.reads * prices.readUnit,
    ],
    [
      'snapshot: Lambda',
      `${buildSeconds.toFixed(0)} s each`,
      minutes * (prices.invocation + buildSeconds * gigabytes * prices.gigabyteSecond),
    ],
    [
      'snapshot: PUT and HEAD',
      `${minutes.toLocaleString('en')} of each`,
      minutes * (prices.s3Put + prices.s3Get),
    ],
  ];
  const total = rows.reduce((sum, [, , dollars]) => sum + dollars, 0);
  const download = (built.gzipBytes / 1e9) * prices.gigabyteOut;
  return [
    `## Cost: ${clusters.toLocaleString('en')} clusters that poll every minute, ${pushesADay.toLocaleString('en')} pushes a day, 100,000 mappings`,
    `A month of ${days} days in US dollars: list prices of us-east-1 without free tiers. Counted: units of the table. Assumed: Lambda bills the CPU time that was measured here, divided by the ${processorShare.toFixed(2)} of a processor that 512 MB come with, and 3 ms for waiting; pushes come evenly, so that every minute has some and the snapshot is built every minute, which is the most.`,
    '',
    markdownTable(
      ['', 'how much', 'dollars'],
      [
        ...rows.map(([what, amount, dollars]) => [what, amount, dollars.toFixed(2)]),
        ['sum', '', total.toFixed(2)],
      ],
    ),
    '',
    `One push: ${operations(published.webhook)} by the webhook function, ${operations(published.mirror)} by the mirror function.`,
    `Not in the sum: what clusters download. The whole snapshot costs ${(download * 100).toFixed(3)} cents to the internet for one cluster once, and nothing within the region through a gateway endpoint for S3 (https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-s3.html); a filter by repository makes it small.`,
    '',
    'Prices: https://aws.amazon.com/api-gateway/pricing/, https://aws.amazon.com/lambda/pricing/, https://aws.amazon.com/s3/pricing/, https://aws.amazon.com/dynamodb/pricing/on-demand/, https://aws.amazon.com/ec2/pricing/on-demand/#Data_Transfer.',
  ].join('\n');
}

/** https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html: 1,769 MB are one processor. */
function billedSeconds(cpuMs: number): number {
  return Math.ceil(cpuMs / processorShare + 3) / 1000;
}

function millions(count: number): string {
  return `${(count / 1e6).toFixed(1)} million`;
}

function operations({ operations: counts }: TableUse): string {
  return Object.entries(counts)
    .map(([name, times]) => `${times} ${name}`)
    .join(', ');
}
