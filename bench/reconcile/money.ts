import { markdownTable } from '../statistics.ts';
import type { MeasuredRound } from './large.ts';

/**
 * List prices in US dollars, us-east-1, without free tiers.
 *
 * https://aws.amazon.com/lambda/pricing/ (arm64)
 * https://aws.amazon.com/dynamodb/pricing/on-demand/
 */
const prices = {
  invocation: 0.2 / 1e6,
  gigabyteSecond: 0.0000133334,
  readUnit: 0.125 / 1e6,
  writeUnit: 0.625 / 1e6,
};
/** The memory of the function, and the share of a processor that comes with it. */
const gigabytes = 1;
const processorShare = 1_024 / 1_769;
/**
 * A registry elsewhere, and how many requests are under way: four repositories with eight HEADs.
 */
const answerSeconds = 0.05;
const headsAtOnce = 32;
const listsAtOnce = 4;
const days = 30;

/** How long a round takes on AWS: it computes, or waits for answers. */
function lambdaSeconds({ cpuSeconds, asked, ecrCalls }: MeasuredRound): number {
  const heads = (asked.heads / headsAtOnce) * answerSeconds;
  const lists = ((asked.tagPages + asked.catalog + ecrCalls) / listsAtOnce) * answerSeconds;
  return Math.max(cpuSeconds / processorShare, heads + lists);
}

function dollarsOf(round: MeasuredRound): number {
  const { reads, writes } = round.table;
  return (
    lambdaSeconds(round) * gigabytes * prices.gigabyteSecond +
    reads * prices.readUnit +
    writes * prices.writeUnit
  );
}

/** What a round each day costs in a month, in Markdown. */
export function costRows(rounds: MeasuredRound[], tags: number): string {
  const idle = days * 24 * 60 * (prices.invocation + 0.1 * gigabytes * prices.gigabyteSecond);
  const rows = rounds.map((round) => [
    round.what,
    lambdaSeconds(round).toFixed(0),
    (dollarsOf(round) * days).toFixed(2),
    ((dollarsOf(round) * days * 1e6) / tags).toFixed(2),
  ]);
  return [
    `A month with one such round each day, in US dollars (list prices, us-east-1). Assumed: answers take ${answerSeconds * 1_000} ms, and Lambda's 1,024 MB have ${processorShare.toFixed(2)} of a processor. The schedule's calls each minute, most of which find nothing due, cost ${idle.toFixed(2)} besides.`,
    '',
    markdownTable(['', 'Lambda seconds a round', 'a month', 'a month for a million tags'], rows),
    '',
    'Prices: https://aws.amazon.com/lambda/pricing/, https://aws.amazon.com/dynamodb/pricing/on-demand/. ECR does not charge for DescribeImages.',
  ].join('\n');
}

/** What ten million tags would take, in Markdown. */
export function onPaper(rounds: MeasuredRound[], tags: number): string {
  const factor = 1e7 / tags;
  const lines = rounds.slice(0, 2).map((round) => {
    const hours = (lambdaSeconds(round) * factor) / 3_600;
    const requests = (round.asked.heads + round.asked.tagPages + round.asked.catalog) * factor;
    return `- ${round.what}: ${(requests / 1e6).toFixed(2)} million requests to the upstream and ${hours.toFixed(1)} hours of one function a round (${Math.ceil((hours * 3_600) / 780)} invocations), ${(dollarsOf(round) * factor * days).toFixed(0)} dollars a month with a round each day.`;
  });
  return [
    '### Ten million tags, on paper',
    'A hundred times as much, in 100,000 repositories of 100 tags. Memory does not grow: a repository is held at a time, four at once, and the names of the repositories (100,000 × 60 bytes = 6 MB).',
    '',
    ...lines,
  ].join('\n');
}
