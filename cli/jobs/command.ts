import { type Command, Option } from 'commander';
import type { JobState } from '../../core/jobs/record.ts';
import { apiCommand, runAction } from '../shared/api-command.ts';
import { parseCount } from '../shared/parse-count.ts';
import { parseImage } from '../shared/parse-image.ts';
import { jobsHelp } from './help.ts';
import type { JobsFlags } from './run.ts';

/** Every state, as the API spells it; the type makes sure that none is missing. */
const states: Record<JobState, true> = {
  queued: true,
  waiting: true,
  copying: true,
  committed: true,
  satisfied: true,
  superseded: true,
  failed: true,
};

/** How many jobs are listed if nobody says. */
const defaultLimit = 20;

/** `drayage jobs`: what the deployment has done, does and waits for. */
export function jobsCommand(): Command {
  const command = apiCommand('jobs', 'List jobs, show one, or watch them.')
    .argument('[id]', 'one job, with everything that is known of it')
    .addOption(
      new Option('--state <state...>', 'only jobs in this state; may be repeated').choices(
        Object.keys(states),
      ),
    )
    .option('--image <ref>', 'only jobs of this image', parseImage)
    .option('--limit <n>', 'how many, the newest first', parseCount, defaultLimit)
    .option('--watch', 'follow what happens: the list until Ctrl-C, one job to its end', false)
    .addHelpText('after', jobsHelp);
  return command.action((id: string | undefined, flags: JobsFlags) =>
    runAction(command, async () => (await import('./run.ts')).runJobs(id, flags)),
  );
}
