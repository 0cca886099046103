import { readFileSync } from 'node:fs';
import { fileFailure } from '../../core/config/file-failure.ts';
import { counts } from '../../core/cost/counts.ts';
import { estimateCost } from '../../core/cost/estimate.ts';
import { pricesFor } from '../../core/cost/read-prices.ts';
import { shapeOf, smallestShape } from '../../core/cost/shape.ts';
import { CommandError } from '../shared/command-error.ts';
import { readConfig } from '../shared/read-config.ts';
import { lineWidth } from '../terminal/wrap.ts';
import type { CostFlags } from './flags.ts';
import { type CostReport, costReport, formatCostReport } from './report.ts';

/**
 * `drayage cost`.
 *
 * @throws CommandError or PricesError for files that can't be used, and for regions whose prices
 *   are not known
 */
export function runCost(flags: CostFlags): void {
  const { stdout } = process;
  const report = reportFor(flags);
  stdout.write(flags.json ? `${JSON.stringify(report)}\n` : formatCostReport(report, lineWidth(stdout)));
}

/** What the command reports. */
export function reportFor(flags: CostFlags): CostReport {
  const config = flags.config === undefined ? undefined : readConfig(flags.config);
  const region = flags.region ?? config?.mirror.regions[0] ?? 'us-east-1';
  const shape = config ? shapeOf(config) : smallestShape;
  const prices = pricesFor(region, flags.prices === undefined ? {} : readJson(flags.prices));
  const work = { copiedBytes: flags.copied, keptMonths: flags.kept, mappings: flags.mappings };
  return costReport({
    region,
    work,
    shape,
    prices,
    isOwn: flags.prices !== undefined,
    isInVpc: config?.network !== undefined,
    counted: counts.measured,
    estimates: flags.pushes.map((pushes) => estimateCost({ ...work, pushes }, shape, prices, counts)),
  });
}

function readJson(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { reason, remedy } = fileFailure(error, file);
    throw new CommandError(`${file}: ${reason}`, remedy);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CommandError(`${file} is not JSON: ${(error as Error).message}`, 'write {"ecrGbMonth": 0.09}');
  }
}
