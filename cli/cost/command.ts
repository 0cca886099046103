import { Command, InvalidArgumentError } from 'commander';
import { byteSize } from '../../core/config/byte-size.ts';
import type { CostFlags } from './flags.ts';
import { costHelp } from './help.ts';

/** `drayage cost`: what a deployment costs a month. */
export function costCommand(): Command {
  return new Command('cost')
    .description('Estimate what a deployment costs a month on AWS, by item.')
    .option('--config <file>', 'the configuration (default: the smallest deployment)')
    .option(
      '--region <region>',
      "whose prices count (default: the configuration's first region, or us-east-1)",
    )
    .option('--pushes <n...>', 'pushes a month; several make columns (default: 100 10000 1000000)', addPushes)
    .option('--copied <size>', 'new bytes of a push that brings any, such as 50MB', parseSize, 50e6)
    .option('--kept <months>', 'how long an image stays in the mirror', parseMonths, 1)
    .option('--mappings <n>', 'how many tags are mapped', parseNumber, 1_000)
    .option('--prices <file>', 'JSON with prices to use instead')
    .option('--json', 'print the result as one JSON object', false)
    .addHelpText('after', costHelp)
    .action(async (flags: Omit<CostFlags, 'pushes'> & { pushes?: number[] }) => {
      const { runCost } = await import('./run.ts');
      runCost({ ...flags, pushes: flags.pushes ?? [100, 10_000, 1_000_000] });
    });
}

/** Repeated, separated by spaces, or by commas. */
function addPushes(text: string, before: number[] = []): number[] {
  const all = [...before, ...text.split(',').map(parseNumber)];
  if (all.length > 6) throw new InvalidArgumentError('at most six columns fit');
  return all;
}

function parseNumber(text: string): number {
  const number = Number(text);
  if (/^\d{1,10}$/.test(text)) return number;
  throw new InvalidArgumentError('write a whole number from 0 to 9999999999');
}

function parseSize(text: string): number {
  const bytes = byteSize(text);
  if (bytes !== undefined) return bytes;
  throw new InvalidArgumentError('write a size, such as 50MB or 1.5GB');
}

function parseMonths(text: string): number {
  const months = Number(text);
  if (/^\d{1,3}(\.\d{1,2})?$/.test(text) && months > 0) return months;
  throw new InvalidArgumentError('write a number of months, such as 6');
}
