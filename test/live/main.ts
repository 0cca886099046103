/**
 * `npm run test:live`: what a real account does. It deploys a stack of its own, mirrors an image
 * that it has pushed itself, tries what the repository could not verify without AWS, prints what
 * ECR did, and removes everything, also after Ctrl-C. docs/live-test.md says what it may need.
 *
 * - `--facts`: only the facts about ECR; no stack
 *
 * It exits with 0 if everything ran and nothing is left, with 1 if not, with 2 if it did not begin,
 * and with 130 after an interruption. A fact that differs from what was expected is no failure: the
 * table is what the run is for.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  CreateRepositoryCommand,
  GetAccountSettingCommand,
  PutAccountSettingCommand,
} from '@aws-sdk/client-ecr';
import { deleteRepositories, deleteUpstreamLogin, leftovers } from './clean-up.ts';
import { facts } from './facts.ts';
import { type LiveRegistry, openRegistry } from './registry.ts';
import { deployStack, destroyStack, mirrorAnImage, type Run, storeUpstreamLogin } from './stack.ts';

const { values } = parseArgs({ options: { facts: { type: 'boolean', default: false } } });
const region = process.env.AWS_REGION;
if (process.env.DRAYAGE_LIVE !== '1' || !region) {
  console.error(`This script deploys into the AWS account of your credentials, which costs a few cents, and removes what it made.
To run it: AWS_REGION=eu-west-1 DRAYAGE_LIVE=1 npm run test:live
Read docs/live-test.md first: it says which permissions it needs and which setting it changes.`);
  process.exit(2);
}

const interruption = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    console.error(interruption.signal.aborted ? 'still cleaning up' : 'interrupted: cleaning up');
    interruption.abort(new Error('interrupted'));
  });
}
const run: Run = {
  name: `drayage-live-${randomBytes(4).toString('hex')}`,
  region,
  folder: mkdtempSync(join(tmpdir(), 'drayage-live-')),
  signal: interruption.signal,
};
/** What undoes what was done; last first. */
const undo: [what: string, work: () => Promise<unknown>][] = [];
const rows: string[][] = [['fact', 'where', 'expected', 'what ECR did']];
let failed = false;

function report(problem: string, error: unknown): void {
  failed = true;
  console.error(`${problem}: ${error instanceof Error ? error.message : error}`);
}

/** Turns on what mounts need, and remembers how it was. */
async function turnOnMounting({ ecr }: LiveRegistry): Promise<void> {
  const setting = { name: 'BLOB_MOUNTING' };
  const { value = 'DISABLED' } = await ecr.send(new GetAccountSettingCommand(setting));
  if (value === 'ENABLED') return;
  undo.push([
    'the setting BLOB_MOUNTING',
    () => ecr.send(new PutAccountSettingCommand({ ...setting, value })),
  ]);
  await ecr.send(new PutAccountSettingCommand({ ...setting, value: 'ENABLED' }));
}

async function tryFacts(registry: LiveRegistry): Promise<void> {
  const subject = { registry, region: run.region, prefix: `${run.name}/facts` };
  for (const { name, where, expected, probe } of facts) {
    run.signal.throwIfAborted();
    console.log(`trying: ${name}`);
    try {
      rows.push([name, where, expected, await probe(subject)]);
    } catch (error) {
      rows.push([name, where, expected, 'could not be tried']);
      report(name, error);
    }
  }
}

async function tryStack(registry: LiveRegistry): Promise<void> {
  console.log('deploying');
  undo.push(['the login of the upstream', () => deleteUpstreamLogin(run)]);
  await storeUpstreamLogin(run, registry);
  await registry.ecr.send(new CreateRepositoryCommand({ repositoryName: `${run.name}/upstream` }));
  undo.push(['the stack', () => destroyStack(run)]);
  const outputs = await deployStack(run, registry);
  console.log('mirroring an image');
  rows.push([
    'an image, pushed and mirrored',
    'the whole',
    'mirrored',
    await mirrorAnImage(run, registry, outputs),
  ]);
}

async function cleanUp(): Promise<void> {
  for (const [what, work] of undo.reverse()) {
    console.log(`cleaning up: ${what}`);
    await work().catch((error: unknown) => report(`${what} could not be cleaned up`, error));
  }
  const left = await leftovers(run).catch((error: unknown) => {
    report('leftovers could not be listed', error);
    return [];
  });
  if (left.length > 0) failed = true;
  console.log(left.length === 0 ? 'nothing is left' : `left, for you to delete:\n  ${left.join('\n  ')}`);
  rmSync(run.folder, { recursive: true, force: true });
}

console.log(`${run.name} in ${region}`);
try {
  const registry = await openRegistry(region);
  undo.push(['the repositories', () => deleteRepositories(run)]);
  await turnOnMounting(registry);
  await tryFacts(registry);
  if (!values.facts) await tryStack(registry);
} catch (error) {
  report('the run ended', error);
} finally {
  await cleanUp();
}
const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
for (const row of rows)
  console.log(
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
process.exitCode = interruption.signal.aborted ? 130 : failed ? 1 : 0;
