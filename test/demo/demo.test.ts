import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const withinMs = 60_000;

/** Where the demo puts its files. Nothing may be left of them. */
let temporary: string;
let child: ChildProcess | undefined;
beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), 'demo-test-'));
});
afterEach(() => {
  child?.kill('SIGKILL');
  child = undefined;
  rmSync(temporary, { recursive: true, force: true });
});

/** Starts a program without a terminal, and gathers what it writes. */
function start(command: string, args: string[]) {
  const { FORCE_COLOR: _, NO_COLOR: __, ...environment } = process.env;
  const started = spawn(command, args, { cwd: root, env: { ...environment, TMPDIR: temporary } });
  child = started;
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    started[stream].setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text;
    });
  }
  return { process: started, output, closed: once(started, 'close') as Promise<[number | null]> };
}

/** The one line that matches, or what was written instead. */
function find(output: string, pattern: RegExp): RegExpExecArray {
  const found = pattern.exec(output);
  if (found === null) throw new Error(`nothing in the output matches ${pattern}:\n${output}`);
  return found;
}

describe('npm run demo', () => {
  it('mirrors two versions in plain lines: copies two blobs of the second, and finds all bytes equal', async () => {
    const started = performance.now();
    const { output, closed } = start('npm', ['run', 'demo']);
    const [code] = await closed;
    const { stdout } = output;

    expect(code, `${stdout}\n${output.stderr}`).toBe(0);
    expect(performance.now() - started).toBeLessThan(withinMs);
    expect(readdirSync(temporary).filter((name) => name.startsWith('drayage'))).toEqual([]);

    // Plain lines: a line feed is the only control character, and a line of columns ends at its
    // last letter.
    expect([...stdout].filter((character) => character < ' ' && character !== '\n')).toEqual([]);
    expect(stdout.split('\n').filter((line) => line.endsWith(' '))).toEqual([]);
    expect(output.stderr.split('\n').filter((line) => line !== '' && !line.startsWith('npm '))).toEqual([]);
    find(stdout, /^ {4}copying: 100 % {2}\S+ MB of \S+ MB/m);
    find(stdout, /^Done in \d+\.\d s\./m);

    const steps = [...stdout.matchAll(/^ (\d) {2}\S/gm)].map(([, number]) => Number(number));
    expect(steps).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const [first = '', second = ''] = [...stdout.matchAll(/^ {4}copied .*\n.*\n.*$/gm)].map(([text]) => text);
    expect(first).toMatch(/copied +4 blobs, .*: runtime, dependencies, application, config\n/);
    expect(first).toMatch(/present +nothing\n/);
    expect(first).toMatch(/upstream +was asked for 1 manifest and 4 blobs$/);
    expect(second).toMatch(/copied +2 blobs, .*: application, config\n/);
    expect(second).toMatch(/present +2 blobs, .* MB: runtime, dependencies\n/);
    expect(second).toMatch(/upstream +was asked for 1 manifest and 2 blobs$/);

    const mapping = JSON.parse(find(stdout, /^ {4}(\{\n[\s\S]*?^ {4}\})$/m)[1] as string);
    const pushed = [...stdout.matchAll(/^ {4}digest {2}(sha256:[0-9a-f]{64})$/gm)].map(
      ([, digest]) => digest,
    );
    // Pushed as 1.0, mapped as 1.0, pushed as 2.0.
    expect(pushed).toEqual([pushed[0], pushed[0], mapping.digest]);
    expect(pushed[0]).not.toBe(mapping.digest);
    expect(mapping).toMatchObject({
      image: 'ghcr.io/acme/worker:2.0',
      mirror: expect.stringMatching(/^127\.0\.0\.1:\d+\/mirror\/ghcr\.io\/acme\/worker:2\.0$/),
      sourceDigest: mapping.digest,
    });
    const equal = find(stdout, /equal +manifest, config and 3 layers, (\d+) bytes, are what was built/);
    find(stdout, /pulled +4 blobs, 4 of them by redirect as from ECR, without credentials/);
    expect(Number(equal[1])).toBe(mapping.sizeBytes);
    expect(mapping.sizeBytes).toBeGreaterThan(20_000_000);

    find(stdout, /^ {4}1\.0 {2}4 blobs +\S+ MB {2}0 blobs +0 B +- +\S+ m?s +-$/m);
    find(stdout, /^ {4}2\.0 {2}2 blobs +\S+ kB {2}2 blobs +\S+ MB +9\d\.\d % +\S+ m?s +\d+\.\d %$/m);
  });

  it('stops and removes everything on SIGINT', async () => {
    const { process: demo, output, closed } = start(process.execPath, ['cli/drayage.js', 'demo']);
    while (!output.stdout.includes(' 1  ')) {
      await Promise.race([once(demo.stdout, 'data'), closed]);
      if (demo.exitCode !== null) throw new Error(`it ended before it was interrupted: ${output.stderr}`);
    }
    expect(readdirSync(temporary)).not.toEqual([]);
    demo.kill('SIGINT');
    const [code] = await closed;
    expect(code).toBe(1);
    expect(output.stderr).toBe('drayage: interrupted; everything is stopped and removed\n');
    expect(output.stdout).toContain('not finished');
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('explains with --help what it does, and refuses arguments', async () => {
    const help = start(process.execPath, ['cli/drayage.js', 'demo', '--help']);
    expect((await help.closed)[0]).toBe(0);
    expect(help.output.stdout).toMatch(/pulls the image through the mirror, and compares every byte/);
    const wrong = start(process.execPath, ['cli/drayage.js', 'demo', 'now']);
    expect((await wrong.closed)[0]).toBe(2);
    expect(wrong.output.stdout).toBe('');
  });
});
