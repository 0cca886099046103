import { spawn } from 'node:child_process';
import { plainText } from '../../core/oci/plain-text.ts';
import type { Credentials } from '../../core/registry/auth/credentials.ts';
import { redactText } from '../../core/registry/transport/redact.ts';
import { LoginError } from './login-error.ts';

/** A plain name: no path, no option. */
const helperName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** Helpers call cloud APIs and may ask the user; even so, the copy must not hang forever. */
const defaultTimeoutMs = 60_000;
/** ECR's passwords have some 3,000 characters. */
const maxOutputBytes = 256 * 1024;
/** A helper's message when it has no login: docker-credential-helpers, credentials/error.go. */
const notFound = /credentials not found/i;
const maxShownText = 200;

export interface HelperOptions {
  env: NodeJS.ProcessEnv;
  /** The file and the field that name the helper, for messages. */
  where: string;
  timeoutMs?: number;
  /** Ends the helper when the command is interrupted. */
  signal?: AbortSignal | undefined;
}

/**
 * Asks `docker-credential-<name> get` for a registry's login
 * (https://github.com/docker/docker-credential-helpers#development). No shell is involved.
 *
 * @returns undefined if it has none
 * @throws LoginError if it is missing, fails, takes too long or prints something else
 */
export async function runHelper(
  name: string,
  server: string,
  { env, where, timeoutMs = defaultTimeoutMs, signal }: HelperOptions,
): Promise<Credentials | undefined> {
  if (!helperName.test(name)) {
    throw new LoginError(
      `${where} names the credential helper ${JSON.stringify(name.slice(0, 80))}, which is not a name`,
      'write what follows docker-credential- in the name of its program, such as ecr-login',
    );
  }
  const program = `docker-credential-${name}`;
  const fail = (why: string, remedy = `run it by hand: echo ${server} | ${program} get`) =>
    new LoginError(`the credential helper ${program}, which ${where} names, ${why}`, remedy);
  signal?.throwIfAborted();
  const ended = await run(program, {
    input: server,
    env,
    signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]),
  });
  signal?.throwIfAborted();
  switch (ended.kind) {
    case 'not started':
      throw ended.code === 'ENOENT'
        ? fail('is not installed', `put ${program} into a folder of PATH, or take it out of the file`)
        : fail(`can't be run: ${ended.code}`, 'make it executable');
    case 'stopped':
      throw fail(`did not answer within ${timeoutMs / 1000} s`);
    case 'too much':
      throw fail(`printed more than ${maxOutputBytes} bytes`);
  }
  const { code, stdout, stderr } = ended;
  if (code === 0) return readAnswer(stdout, fail);
  // By convention the message is on standard output.
  const told = stdout.trim() || stderr.trim();
  if (notFound.test(stdout) || notFound.test(stderr)) return undefined;
  const shown = plainText(redactText(told), maxShownText);
  throw fail(`ended with ${code === null ? 'a signal' : `exit code ${code}`}${shown && `: “${shown}”`}`);
}

function readAnswer(stdout: string, fail: (why: string) => LoginError): Credentials | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(stdout);
  } catch {
    // Never shown: it may hold the secret.
    throw fail('did not print JSON');
  }
  const { Username: username, Secret: password } = (answer ?? {}) as Record<string, unknown>;
  if (typeof username !== 'string' || typeof password !== 'string')
    throw fail('printed no Username and Secret');
  if (username === '' && password === '') return undefined;
  // https://docs.docker.com/reference/cli/docker/login/#credential-helper-protocol
  return username === '<token>' ? { identityToken: password } : { username, password };
}

type Ended =
  | { kind: 'ended'; code: number | null; stdout: string; stderr: string }
  | { kind: 'not started'; code: string }
  | { kind: 'stopped' }
  | { kind: 'too much' };

interface RunOptions {
  input: string;
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
}

function run(program: string, { input, env, signal }: RunOptions): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(program, ['get'], { env, stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true });
    const settle = (ended: Ended) => {
      signal.removeEventListener('abort', stop);
      if (ended.kind !== 'ended') {
        child.kill('SIGKILL');
        // Its own child processes may hold them open.
        child.stdout.destroy();
        child.stderr.destroy();
      }
      resolve(ended);
    };
    const stop = () => settle({ kind: 'stopped' });
    signal.addEventListener('abort', stop);
    const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
    let size = 0;
    const collect = (chunks: Buffer[]) => (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxOutputBytes) settle({ kind: 'too much' });
      else chunks.push(chunk);
    };
    child.stdout.on('data', collect(stdout));
    child.stderr.on('data', collect(stderr));
    child.on('error', (error: NodeJS.ErrnoException) =>
      settle({ kind: 'not started', code: error.code ?? error.message }),
    );
    const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString('utf8');
    child.on('close', (code) => settle({ kind: 'ended', code, stdout: text(stdout), stderr: text(stderr) }));
    // If it ends without reading, how it ended says enough.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}
