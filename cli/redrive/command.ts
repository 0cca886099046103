import { type Command, InvalidArgumentError, Option } from 'commander';
import { durationSeconds } from '../../core/config/duration.ts';
import { apiCommand, runAction } from '../shared/api-command.ts';
import { parseImage } from '../shared/parse-image.ts';
import { waitOptions } from '../shared/wait-options.ts';
import { redriveHelp } from './help.ts';
import type { RedriveFlags } from './run.ts';

/** `drayage redrive`: tries jobs again that failed or wait. */
export function redriveCommand(): Command {
  const command = waitOptions(
    apiCommand('redrive', 'Retry jobs that failed or wait, and follow them to the end.')
      .addOption(
        new Option('--state <state>', 'jobs in this state')
          .choices(['failed', 'waiting', 'queued', 'copying'])
          .default('failed'),
      )
      .option('--image <ref>', 'only jobs of this image', parseImage)
      .option('--since <time>', 'only jobs received since then: 6h (ago), or 2026-11-30T09:00Z', parseTime)
      .option('--until <time>', 'only jobs received until then', parseTime),
  ).addHelpText('after', redriveHelp);
  return command.action((flags: RedriveFlags) =>
    runAction(command, async () => (await import('./run.ts')).runRedrive(flags)),
  );
}

/** A time as ISO 8601, from itself or from how long ago it was. */
function parseTime(text: string): string {
  const ago = durationSeconds(text);
  const time = ago === undefined ? new Date(text) : new Date(Date.now() - ago * 1_000);
  const isWritten = ago !== undefined || /^\d{4}-\d\d-\d\d(T.*(Z|[+-]\d\d:\d\d))?$/.test(text);
  if (isWritten && !Number.isNaN(time.getTime())) return time.toISOString();
  throw new InvalidArgumentError(
    'write how long ago, such as 90m, 6h or 2d, or a time with its zone, such as 2026-11-30T09:00Z',
  );
}
