import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runHelper } from '../../../../cli/logins/run-helper.ts';
import { helperAnswer, loginFolder } from '../../../support/login-folder.ts';

/** How a helper that does this fails. */
async function failure(script: string, timeoutMs?: number) {
  const { env, helper } = loginFolder();
  helper('odd', script);
  const error = await runHelper('odd', 'ghcr.io', { env, where: 'config.json', timeoutMs }).catch(
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ code: 'CREDENTIALS_UNAVAILABLE', temporary: false });
  return (error as Error).message;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('a credential helper that fails', () => {
  it.each([
    ['echo "not logged in to AWS"; exit 3', 'ended with exit code 3: “not logged in to AWS”'],
    ['echo >&2 boom; exit 1', 'ended with exit code 1: “boom”'],
    ['exit 1', /ended with exit code 1$/],
    ['kill -9 $$', /ended with a signal$/],
    ['echo hunter22', /did not print JSON$/],
    [`echo '{"Secret":"hunter22"}'`, /printed no Username and Secret$/],
    ['echo null', /printed no Username and Secret$/],
    ['head -c 300000 /dev/zero', /printed more than 262144 bytes$/],
    ['echo "Authorization: Basic aHVudGVyMjI6eHh4"; exit 1', 'Basic REDACTED'],
  ])('by `%s` is reported without a secret', async (script, message) => {
    const told = await failure(script);
    expect(told).toMatch(message);
    expect(told).toContain('docker-credential-odd');
    expect(told).not.toMatch(/hunter22|aHVudGVy/);
  });

  it('by silence does not block the copy, and neither does what it started', async () => {
    const begun = Date.now();
    expect(await failure('sleep 20 & sleep 20', 100)).toContain('did not answer within 0.1 s');
    expect(Date.now() - begun).toBeLessThan(5_000);
  });

  it('is gone afterwards', async () => {
    const { env, home, helper } = loginFolder();
    helper('stuck', `echo $$ >${home}/pid; exec sleep 20`);
    const asked = runHelper('stuck', 'ghcr.io', { env, where: 'config.json', timeoutMs: 300 });
    await expect(asked).rejects.toThrow('did not answer within 0.3 s');
    const pid = Number(readFileSync(join(home, 'pid'), 'utf8'));
    await expect.poll(() => isRunning(pid)).toBe(false);
  });

  it('ends with the command', async () => {
    const { env, helper } = loginFolder();
    helper('slow', 'sleep 20');
    const interrupt = new AbortController();
    const asked = runHelper('slow', 'ghcr.io', { env, where: 'config.json', signal: interrupt.signal });
    setTimeout(() => interrupt.abort(new Error('interrupted')), 50);
    await expect(asked).rejects.toThrow('interrupted');
  });

  it('because it is missing, or not a program, is reported with what to do', async () => {
    const { env } = loginFolder();
    await expect(runHelper('absent', 'ghcr.io', { env, where: 'config.json' })).rejects.toMatchObject({
      message: 'the credential helper docker-credential-absent, which config.json names, is not installed',
      remedy: expect.stringContaining('PATH'),
    });
  });

  it.each(['../../bin/sh', 'a b', '-x', '$(id)', '', 'x'.repeat(80)])(
    'because of its name %j is not run',
    async (name) => {
      const { env } = loginFolder();
      await expect(runHelper(name, 'ghcr.io', { env, where: 'config.json' })).rejects.toThrow(
        /config\.json names the credential helper .*, which is not a name/,
      );
    },
  );
});

it('a credential helper that prints an empty login has none', async () => {
  const { env, helper } = loginFolder();
  helper('empty', helperAnswer('', ''));
  expect(await runHelper('empty', 'ghcr.io', { env, where: 'config.json' })).toBeUndefined();
});
