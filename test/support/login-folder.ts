import { chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

/**
 * A home directory for a test of logins: files in it, helpers on its PATH, and nothing of this
 * machine's user.
 */
export interface LoginFolder {
  home: string;
  /** The environment of somebody who lives there. */
  env: NodeJS.ProcessEnv;
  /** Writes a file; an object becomes JSON. @returns its path */
  write(path: string, content: unknown): string;
  /**
   * Puts `docker-credential-<name>` on PATH: a shell script, which has the requested server in
   * `$server`.
   */
  helper(name: string, script: string): void;
  /** What the helpers have been asked for so far: `name server`. */
  asked(): string[];
}

/** Creates one, which is removed when the test ends. */
export function loginFolder(): LoginFolder {
  const home = mkdtempSync(join(tmpdir(), 'drayage-logins-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  const [bin, run, log] = [join(home, 'bin'), join(home, 'run'), join(home, 'asked')];
  mkdirSync(bin);
  mkdirSync(run);
  writeFileSync(log, '');
  const { DOCKER_CONFIG, REGISTRY_AUTH_FILE, XDG_RUNTIME_DIR, XDG_CONFIG_HOME, ...rest } = process.env;
  return {
    home,
    env: { ...rest, HOME: home, XDG_RUNTIME_DIR: run, PATH: `${bin}${delimiter}${process.env.PATH}` },
    write(path, content) {
      const file = join(home, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
      return file;
    },
    helper(name, script) {
      const file = join(bin, `docker-credential-${name}`);
      writeFileSync(
        file,
        `#!/bin/sh\n[ "$1" = get ] || exit 9\nserver=$(cat)\necho "${name} $server" >>${log}\n${script}\n`,
      );
      chmodSync(file, 0o755);
    },
    asked: () => readFileSync(log, 'utf8').split('\n').filter(Boolean),
  };
}

/** What a helper prints for a login. */
export function helperAnswer(username: string, password: string): string {
  return `echo '${JSON.stringify({ ServerURL: 'x', Username: username, Secret: password })}'`;
}

/** `user:password` as login files keep it. */
export function encoded(username: string, password: string): string {
  return Buffer.from(`${username}:${password}`).toString('base64');
}
