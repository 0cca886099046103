import { Command, CommanderError } from 'commander';
import { fileFailure } from '../core/config/file-failure.ts';
import { drayageVersion } from '../core/registry/transport/version.ts';
import { admissionCommand } from './admission/command.ts';
import { completeCommand, completionCommand } from './completion/command.ts';
import { copyCommand } from './copy/command.ts';
import { costCommand } from './cost/command.ts';
import { demoCommand } from './demo/command.ts';
import { discoverCommand } from './discover/command.ts';
import { exportCommand } from './export/command.ts';
import { historyCommand } from './history/command.ts';
import { initCommand } from './init/command.ts';
import { jobsCommand } from './jobs/command.ts';
import { localCommand } from './local/command.ts';
import { lookupCommand } from './lookup/command.ts';
import { mirrorCommand } from './mirror/command.ts';
import { pinCommand, unpinCommand } from './pin/command.ts';
import { planCommand } from './plan/command.ts';
import { pruneCommand } from './prune/command.ts';
import { reconcileCommand } from './reconcile/command.ts';
import { redriveCommand } from './redrive/command.ts';
import { rewriteCommand } from './rewrite/command.ts';
import { rollbackCommand } from './rollback/command.ts';
import { schemaCommand } from './schema/command.ts';
import { OutputLostError, watchOutput } from './shared/output.ts';
import { statusCommand } from './status/command.ts';
import { syncCommand } from './sync/command.ts';
import { topCommand } from './top/command.ts';
import { validateCommand } from './validate/command.ts';
import { verifyCommand } from './verify/command.ts';
import { webhooksCommand } from './webhooks/command.ts';

// Started by cli/drayage.js under another Node: when that process is gone, however it ended, this
// one ends too.
if (process.env.DRAYAGE_RELAYED === '1' && process.send) {
  delete process.env.DRAYAGE_RELAYED;
  process.on('disconnect', () => process.exit(1));
  process.channel?.unref();
}

watchOutput();

const program = new Command('drayage')
  .description(
    'Mirrors container images into a regional Amazon ECR registry, and tells clusters where to find them.',
  )
  .version(drayageVersion)
  .configureHelp({ showGlobalOptions: true })
  .showHelpAfterError('(--help explains the command)')
  .exitOverride()
  .addCommand(discoverCommand())
  .addCommand(initCommand())
  .addCommand(localCommand())
  .addCommand(copyCommand())
  .addCommand(syncCommand())
  .addCommand(validateCommand())
  .addCommand(schemaCommand())
  .addCommand(planCommand())
  .addCommand(costCommand())
  .addCommand(verifyCommand())
  .addCommand(mirrorCommand())
  .addCommand(reconcileCommand())
  .addCommand(pruneCommand())
  .addCommand(lookupCommand())
  .addCommand(rewriteCommand())
  .addCommand(exportCommand())
  .addCommand(admissionCommand())
  .addCommand(historyCommand())
  .addCommand(rollbackCommand())
  .addCommand(pinCommand())
  .addCommand(unpinCommand())
  .addCommand(jobsCommand())
  .addCommand(redriveCommand())
  .addCommand(statusCommand())
  .addCommand(topCommand())
  .addCommand(webhooksCommand())
  .addCommand(completionCommand())
  .addCommand(completeCommand(), { hidden: true })
  .addCommand(demoCommand());
program.addHelpText(
  'after',
  `
Begin here:
  $ drayage demo                                  see the whole pipeline work on this machine, in less than a minute
  $ kubectl get pods -A -o json | drayage discover > mirror.yaml    write a mirror.yaml that covers what runs
  $ drayage init                                  write a first mirror.yaml by hand
  $ drayage validate                              check ./mirror.yaml
  $ drayage plan                                  what it would mirror, and what that costs
  $ drayage cost --config mirror.yaml             what the deployment costs a month
  $ drayage verify ghcr.io/acme/shop:1.0          whether an image is signed as its rule requires
  $ drayage local --config mirror.yaml            run the pipeline on this machine
  $ drayage copy docker.io/library/alpine:3.22 registry.example/mirror/alpine:3.22
  $ drayage sync --to registry.example/mirror     copy what mirror.yaml names, without a pipeline
  $ export DRAYAGE_API=https://…  DRAYAGE_TOKEN=…  the deployment that these ask:
  $ drayage status                                how it is doing
  $ drayage top                                   the same, live
  $ drayage webhooks list                         its webhooks, and whether events arrive
  $ drayage mirror docker.io/library/nginx:1.27   mirror an image now
  $ drayage lookup docker.io/library/nginx:1.27   where it is in the mirror
  $ drayage rewrite deploy/ --diff                what manifests look like when they use the mirror

Exit codes: 0 done, 1 failed, 2 usage, 3 not mirrored.`,
);
for (const command of program.commands.flatMap((each) => [each, ...each.commands]))
  command.exitOverride().showHelpAfterError('(--help explains the command)');

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Help and version were asked for; everything else that commander reports is a usage error.
    process.exitCode = error.exitCode === 0 || error.code === 'commander.help' ? 0 : 2;
  } else if (error instanceof OutputLostError) {
    process.exitCode = 1;
  } else {
    process.stderr.write(`drayage: ${error instanceof Error ? error.message : String(error)}\n`);
    const { remedy = systemRemedy(error), exitCode } = (error ?? {}) as {
      remedy?: unknown;
      exitCode?: number;
    };
    if (typeof remedy === 'string') process.stderr.write(`  ${remedy}\n`);
    process.exitCode = exitCode ?? 1;
  }
}

/** What helps if the operating system refused something that no command expects to fail. */
function systemRemedy(error: unknown): string | undefined {
  const { syscall, path } = (error ?? {}) as NodeJS.ErrnoException;
  return syscall === undefined ? undefined : fileFailure(error, path ?? '.').remedy;
}
