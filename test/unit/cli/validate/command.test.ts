import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { validateCommand } from '../../../../cli/validate/command.ts';
import { parseConfig } from '../../../../core/mirror-yaml/parse.ts';

let folder: string;
let exitCode: typeof process.exitCode;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drayage-validate-'));
  exitCode = process.exitCode;
  process.exitCode = undefined;
});
afterEach(() => {
  process.exitCode = exitCode;
  rmSync(folder, { recursive: true });
});

/** Runs the command and gathers what it writes. */
async function run(...args: string[]): Promise<{ stdout: string; stderr: string; exitCode: unknown }> {
  const written = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      written[stream] += String(text);
      return true;
    });
  try {
    await validateCommand().exitOverride().parseAsync(args, { from: 'user' });
  } finally {
    vi.restoreAllMocks();
  }
  return { ...written, exitCode: process.exitCode };
}

function write(text: string): string {
  const file = join(folder, 'mirror.yaml');
  writeFileSync(file, text);
  return file;
}

const valid = `version: 1
mirror: { regions: [eu-west-1, us-east-1] }
upstreams:
  - registry: docker.io
    webhook: { source: dockerhub, name: hub }
    repositories: [{ match: library/nginx }, { match: library/redis }]
  - registry: registry.example.com
`;

describe('drayage validate', () => {
  it('summarises a valid file', async () => {
    const file = write(valid);
    expect(await run('--config', file)).toEqual({
      exitCode: undefined,
      // What the stack refuses is not a mistake in the file.
      stderr: `warning: ${file}:2:32 mirror.regions[1]: is refused by cdk synth in this version: so far, the stack mirrors into one region only; name one\n`,
      stdout:
        `${file} is valid: 2 upstreams, 2 rules, mirrored to eu-west-1, us-east-1 under mirror/\n` +
        '  docker.io             2 rules, webhook hub (dockerhub)\n' +
        '  registry.example.com  0 rules, no webhook\n',
    });
  });

  it('writes the normalised configuration as JSON', async () => {
    const { stdout } = await run('--config', write(valid), '--json');
    const parsed = parseConfig(valid);
    expect(JSON.parse(stdout)).toMatchObject({ valid: true, config: parsed.ok && parsed.config });
  });

  it('writes every error to stderr and exits with 1', async () => {
    const file = write(
      'version: 1\nmirror:\n  regions: [nowhere]\nupstreams:\n  - registry: index.docker.io\n',
    );
    expect(await run('--config', file)).toEqual({
      exitCode: 1,
      stdout: '',
      stderr:
        `${file}:3:13 mirror.regions[0]: "nowhere" is not an AWS region; write, for example, eu-west-1\n` +
        `${file}:5:15 upstreams[0].registry: "index.docker.io" is Docker Hub, which references call docker.io; write docker.io\n`,
    });
  });

  it('writes the errors as JSON too', async () => {
    const file = write('version: 2\nmirror: { regions: [eu-west-1] }\n');
    const { stdout, exitCode } = await run('--config', file, '--json');
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      valid: false,
      file,
      errors: [
        { path: 'version', line: 1, column: 10, message: expect.stringContaining('must be the number 1') },
      ],
    });
  });

  it('reports that a file cannot be read', async () => {
    const file = join(folder, 'none.yaml');
    expect(await run('--config', file)).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: expect.stringContaining(`${file} does not exist`),
    });
  });

  it('explains with an example that is valid', async () => {
    let help = '';
    const command = validateCommand().configureOutput({ writeOut: (text) => (help += text) });
    command.outputHelp();
    const example = /^ {2}version: 1\n(?: {2}.*\n)+/m.exec(help)?.[0] ?? '';
    expect(parseConfig(example)).toMatchObject({
      ok: true,
      config: { upstreams: [{ registry: 'docker.io' }] },
    });
  });
});
