import type { CostEstimate, CostItem, Shape, Workload } from '../../core/cost/estimate.ts';
import { assumptions } from '../../core/cost/estimate.ts';
import { type Prices, pricesDate } from '../../core/cost/prices.ts';
import { formatBytes, formatUsd } from '../shared/format.ts';
import { formatTable } from '../terminal/table.ts';

/** What `drayage cost --json` prints. */
export interface CostReport {
  region: string;
  /** When the prices were written down; absent if they are the user's own. */
  pricesDate?: string;
  prices: Prices;
  /** When the requests were counted. */
  counted: string;
  work: Omit<Workload, 'pushes'>;
  shape: Shape;
  estimates: CostEstimate[];
  notes: string[];
}

/** What a report is made of. */
export interface CostReportInput extends Omit<CostReport, 'pricesDate' | 'notes'> {
  isOwn: boolean;
  isInVpc: boolean;
}

export function costReport({ isOwn, isInVpc, ...rest }: CostReportInput): CostReport {
  const { first, next, nothing } = assumptions.kinds;
  const { work, shape } = rest;
  const percent = (share: number) => `${Math.round(share * 100)} %`;
  return {
    ...(!isOwn && { pricesDate }),
    ...rest,
    notes: [
      `of the pushes, ${percent(first)} make a repository, ${percent(next)} are next versions, ${percent(nothing)} bring nothing new; those that do bring ${formatBytes(work.copiedBytes)} of new layers`,
      `images stay ${work.keptMonths === 1 ? 'a month' : `${work.keptMonths} months`}: without retention they stay for good, and every month adds its storage`,
      ...(shape.regions > 1
        ? [`${shape.regions} regions have the images; storage in each at the first one's price`]
        : []),
      ...(isInVpc ? ['what a VPC costs, such as interface endpoints, is not counted'] : []),
    ],
  };
}

/** The report for people: a line for each item, a column for each number of pushes. */
export function formatCostReport(report: CostReport, width?: number): string {
  const { estimates, region, notes, counted } = report;
  const prices =
    report.pricesDate === undefined ? 'with your own prices' : `list prices of ${report.pricesDate}`;
  const table = formatTable(costRows(report), { align: `l${'r'.repeat(estimates.length)}`, width });
  return [
    `A month in ${region}, US dollars, ${prices}; requests as counted on ${counted}:`,
    '',
    ...table,
    '',
    ...notes.map((note) => `note: ${note}`),
    '',
  ].join('\n');
}

/** The heading, a row for each item, and the sums. */
export function costRows({ estimates }: Pick<CostReport, 'estimates'>): string[][] {
  const keyOf = ({ service, item, fixed }: CostItem) => `${service} ${item} ${fixed}`;
  const all = new Map(estimates.flatMap(({ items }) => items.map((item) => [keyOf(item), item] as const)));
  const rowOf = (item: CostItem) => [
    `${item.service}: ${item.item}`,
    ...estimates.map(({ items }) => {
      const found = items.find((each) => keyOf(each) === keyOf(item));
      return found === undefined ? '' : formatUsd(found.usd);
    }),
  ];
  const rows = (fixed: boolean) =>
    [...all.values()]
      .filter((item) => item.fixed === fixed)
      .sort((a, b) => `${a.service} ${a.item}`.localeCompare(`${b.service} ${b.item}`))
      .map(rowOf);
  const sums = (what: string, of: (estimate: CostEstimate) => number) => [
    what,
    ...estimates.map((estimate) => formatUsd(of(estimate))),
  ];
  return [
    ['PUSHES A MONTH', ...estimates.map(({ pushes }) => pushes.toLocaleString('en'))],
    ...rows(true),
    sums('without any push', ({ idleUsd }) => idleUsd),
    ...rows(false),
    sums('all but image storage', ({ runningUsd }) => runningUsd),
    sums('all', ({ usd }) => usd),
  ];
}
