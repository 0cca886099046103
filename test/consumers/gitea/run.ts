/**
 * `node test/consumers/gitea/run.ts --gitea BINARY --static FOLDER [--save]`: a real Gitea as
 * upstream of `drayage local`, from the registration of the webhook to the rotation of its secret.
 * Prints a table, and with `--save` also writes it to result.md beside this file. Exits with 1 and
 * a message when something is not as it should be. It needs skopeo, and Gitea, which is in no
 * Debian package. Gitea's Go module has all of the source except the scripts of the web pages,
 * which are not needed here:
 *
 *     go mod download -json code.gitea.io/gitea@v1.23.8     # prints the folder, `Dir`, that it was put into
 *     cp -r DIR gitea && chmod -R u+w gitea && cd gitea
 *     go build -tags "sqlite sqlite_unlock_notify" -ldflags "-X main.Version=1.23.8" -o gitea .
 *
 * BINARY is then gitea/gitea, FOLDER is gitea.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endOnSignals, interruptible } from '../../../bench/interruption.ts';
import { markdownTable } from '../../../bench/statistics.ts';
import { startDrayageLocal } from '../../support/drayage.ts';
import { skopeo } from '../../support/skopeo.ts';
import type { Journey } from './journey.ts';
import { programFromArguments } from './program.ts';
import { type Gitea, startGitea } from './start-gitea.ts';
import { moveTag, pushImageAndIndex, registerTwice, rotateUnderLoad, signWrongly } from './steps.ts';

const { program, save } = programFromArguments();
const rows: string[][] = [];
const note: Journey['note'] = (step, found, ms) => {
  process.stderr.write(`${step}: ${found}\n`);
  rows.push([step, found, ms === undefined ? '' : Math.max(0, ms).toFixed(0)]);
};

endOnSignals();
try {
  const version = await goThrough();
  const report = await reportOf(version);
  process.stdout.write(report);
  if (save) writeFileSync(join(import.meta.dirname, 'result.md'), report);
} catch (error) {
  process.stderr.write(`FAILED: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}

/** @returns Gitea's version */
async function goThrough(): Promise<string> {
  await using work = await interruptible(() => temporaryFolder());
  await using gitea = await interruptible(() => startGitea(program));
  const config = join(work.folder, 'mirror.yaml');
  writeFileSync(config, mirrorYaml(gitea));
  await using local = await interruptible(() => startDrayageLocal(['--config', config]));
  const journey: Journey = { gitea, local, folder: work.folder, note };
  for (const step of [registerTwice, pushImageAndIndex, moveTag, rotateUnderLoad, signWrongly])
    await step(journey);
  return gitea.version;
}

function temporaryFolder(): AsyncDisposable & { folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'drayage-gitea-'));
  return { folder, [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true, force: true }) };
}

function mirrorYaml({ host, endpoint }: Gitea): string {
  return `version: 1
mirror: { regions: [eu-west-1] }
upstreams:
  - registry: ${host}
    endpoint: ${endpoint}
    webhook: { source: gitea }
    repositories: [{ match: "acme/**" }]
`;
}

async function reportOf(version: string): Promise<string> {
  const skopeoVersion = (await skopeo('--version')).trim();
  return `# A real Gitea as upstream, ${new Date().toISOString().slice(0, 10)}

Gitea ${version}, ${skopeoVersion}, Node ${process.version}, all on loopback; \`drayage local\` mirrors. The time of a push is
from the end of \`skopeo copy\` to the published mapping (0: the mapping was there before skopeo ended). A series has the
time of its slowest push.

${markdownTable(['step', 'found', 'ms'], rows)}
`;
}
