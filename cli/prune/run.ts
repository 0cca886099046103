import { wait } from '../../core/async/wait.ts';
import type { RetentionPass } from '../../lambda/api/retention.ts';
import { apiAddress } from '../api/address.ts';
import { DrayageApi } from '../api/client.ts';
import { Patience } from '../api/follow-jobs.ts';
import type { ApiFlags } from '../shared/api-command.ts';
import { CommandError } from '../shared/command-error.ts';
import { counted, formatBytes, formatUsd } from '../shared/format.ts';

/** The options of `drayage prune`. */
export interface PruneFlags extends ApiFlags {
  dryRun?: boolean;
  delete?: boolean;
  /** Seconds. */
  timeout?: number;
}

const askEveryMs = 1_000;
/** The API may fail for this long: a pass takes minutes, and a network can break in between. */
const patienceMs = 60_000;

/** `drayage prune`: asks for a pass, waits until it is done, and prints what it did. */
export async function runPrune(repository: string | undefined, flags: PruneFlags): Promise<void> {
  const api = new DrayageApi(apiAddress(flags));
  const dryRun = flags.delete !== true;
  const { id } = await api.startRetention(dryRun, repository);
  process.stderr.write('waiting for the deployment, which begins within a minute\n');
  let pass = await api.retention(id);
  const patience = new Patience({
    patienceMs,
    onTrouble: ({ message }) =>
      process.stderr.write(`${message}; trying again for ${patienceMs / 1_000} s\n`),
  });
  const { timeout } = flags;
  const until = Date.now() + (timeout ?? Number.POSITIVE_INFINITY) * 1_000;
  while (pass.finishedAt === undefined) {
    if (Date.now() >= until)
      throw new CommandError(
        `not done within ${timeout} s; the deployment goes on`,
        `see the result: GET /v1/retention/${id} of its API`,
      );
    await wait(askEveryMs);
    await patience.with(async () => {
      pass = await api.retention(id);
    });
  }
  const repositories = await allRepositories(api, pass);
  if (flags.json) process.stdout.write(`${JSON.stringify({ ...pass, repositories, after: undefined })}\n`);
  else print({ ...pass, repositories });
  const failed = repositories.filter((each) => each.error ?? each.failed);
  if (failed.length > 0)
    throw new CommandError(
      `not everything could be ${dryRun ? 'checked' : 'deleted'}: ${failed.map(({ repository: name }) => name).join(', ')}`,
      'the next pass tries again; for details, see the log of the retention function',
    );
}

async function allRepositories(
  api: DrayageApi,
  first: RetentionPass,
): Promise<RetentionPass['repositories']> {
  const repositories = [...first.repositories];
  for (let { after } = first; after !== undefined; ) {
    const page = await api.retention(first.id, after);
    repositories.push(...page.repositories);
    after = page.after;
  }
  return repositories;
}

function print({ dryRun, totals, repositories }: RetentionPass): void {
  for (const { repository, count, bytes, images, error, failed } of repositories) {
    for (const { digest, tags } of images)
      process.stdout.write(`${repository}@${digest}${tags.length > 0 ? `  ${tags.join(' ')}` : ''}\n`);
    if (count > images.length) process.stdout.write(`${repository}  and ${count - images.length} more\n`);
    if (count > 0) process.stderr.write(`${repository}: ${counted(count, 'image')}, ${formatBytes(bytes)}\n`);
    if (failed)
      process.stderr.write(`${repository}: ${failed.count} not deleted: ${failed.code} ${failed.reason}\n`);
    if (error) process.stderr.write(`${repository}: ${error.message}\n`);
  }
  process.stderr.write(`${totalText(dryRun, totals)}\n`);
}

/** What all of it comes to, and what to do about it. */
function totalText(dryRun: boolean, { images, bytes, dollarsPerMonth }: RetentionPass['totals']): string {
  if (images === 0) return dryRun ? 'nothing would be deleted' : 'nothing was deleted';
  const done = `${counted(images, 'image')} ${dryRun ? 'would be' : images === 1 ? 'was' : 'were'} deleted`;
  const saved = `at most ${formatBytes(bytes)}, ${formatUsd(dollarsPerMonth)} a month`;
  return `${done}: ${saved}${dryRun ? '\nto delete this, add --delete' : ''}`;
}
