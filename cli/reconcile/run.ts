import type { Requested } from '../../core/reconcile/request.ts';
import type { ReconcileState } from '../../lambda/api/reconcile.ts';
import { apiAddress } from '../api/address.ts';
import { type ApiAddress, DrayageApi } from '../api/client.ts';
import type { ApiFlags } from '../shared/api-command.ts';
import { CommandError } from '../shared/command-error.ts';
import { clockOrDate, counted } from '../shared/format.ts';
import { UsageError } from '../shared/usage-error.ts';
import { lineWidth } from '../terminal/wrap.ts';
import { describeDryRun, describeRound, describeUpstream } from './describe.ts';
import { followScopes, scopeName } from './follow.ts';

/** The options of `drayage reconcile`. */
export interface ReconcileFlags extends ApiFlags {
  dryRun?: boolean;
  /** False: only request it. */
  wait?: boolean;
  /** How long to follow it, seconds; absent: to its end. */
  timeout?: number;
}

/** `drayage reconcile` */
export async function runReconcile(repository: string | undefined, flags: ReconcileFlags): Promise<void> {
  const { dryRun: isDryRun = false, wait, timeout, json = false } = flags;
  if (isDryRun && wait === false) throw new UsageError('a dry run prints what it finds: leave out --no-wait');
  const address = apiAddress(flags);
  const requested = await new DrayageApi(address).reconcile({
    ...(repository !== undefined && { repository }),
    ...(isDryRun && { dryRun: true }),
  });
  if (wait === false) {
    if (json) print(JSON.stringify({ requested }));
    else for (const scope of requested) print(`${scopeName(scope)}  will be compared`);
    return;
  }
  const isQuiet = json && !process.stderr.isTTY;
  const states = await followScopes(address, { requested, isDryRun, timeout, isQuiet });
  if (isDryRun) endDryRun(states, json);
  else await endRounds(address, requested, states, json);
}

function endDryRun(states: readonly ReconcileState[], json: boolean): void {
  if (json) print(JSON.stringify({ dryRuns: states.flatMap(({ dryRun }) => dryRun ?? []) }));
  const failures: string[] = [];
  for (const state of states) {
    const { dryRun } = state;
    if (dryRun?.finishedAt === undefined) {
      failures.push(
        `${scopeName(state)}: the dry run was given up: the log of the reconcile function says why`,
      );
      continue;
    }
    if (!json) for (const line of describeDryRun(dryRun, lineWidth(process.stdout))) print(line);
    if (dryRun.error)
      failures.push(
        `${scopeName(state)}: ${dryRun.compared} of ${dryRun.repositories} compared: ${dryRun.error.message}`,
      );
    else if (dryRun.failed.length > 0)
      failures.push(`${scopeName(state)}: ${dryRun.failed.length} could not be compared`);
  }
  if (!json) process.stderr.write('nothing was changed\n');
  if (failures.length > 0) throw new CommandError(failures.join('\n'), undefined);
}

async function endRounds(
  address: ApiAddress,
  requested: readonly Requested[],
  states: readonly ReconcileState[],
  json: boolean,
): Promise<void> {
  const single = states.filter(({ repository }) => repository !== undefined);
  const status = single.length === states.length ? undefined : await new DrayageApi(address).status();
  const upstreams = (status?.upstreams ?? []).filter(({ registry }) =>
    requested.some((scope) => scope.registry === registry),
  );
  if (json) print(JSON.stringify({ requested, comparisons: single, upstreams }));
  const failed = single.filter(({ round }) => round?.error !== undefined);
  if (!json) {
    for (const state of single) if (!failed.includes(state)) print(describeRound(state));
    for (const { registry, reconcile } of upstreams)
      for (const line of describeUpstream(registry, reconcile)) print(line);
    process.stderr.write('what is queued is copied now: drayage jobs --watch\n');
  }
  const [first] = failed;
  if (first?.round)
    throw new CommandError(
      `${scopeName(first)} could not be compared: ${first.round.error?.message}`,
      `none needed if this is temporary: it is tried again at ${clockOrDate(new Date(first.round.dueAt), new Date())}`,
    );
  const failing = upstreams.reduce((sum, { reconcile }) => sum + reconcile.failing.length, 0);
  if (failing > 0)
    throw new CommandError(
      `${counted(failing, 'repository', 'repositories')} could not be compared`,
      'see why, and when it is tried again: drayage status --json',
    );
  const [unlisted] = upstreams.filter(({ reconcile }) => reconcile.unlisted?.temporary);
  if (unlisted)
    throw new CommandError(
      `${unlisted.registry} could not list its repositories, so those that nobody knows yet were not compared: ${unlisted.reconcile.unlisted?.message}`,
      'none needed if this is temporary: it is tried again within the hour',
    );
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
