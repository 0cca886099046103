import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const file = fileURLToPath(new URL('../../cli/drayage.js', import.meta.url));

describe('output that nobody reads', () => {
  let folder: string;
  let config: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'drayage-output-'));
    config = join(folder, 'mirror.yaml');
    writeFileSync(
      config,
      'version: 1\nmirror: { regions: [eu-west-1] }\nupstreams: [{ registry: ghcr.io, webhook: { source: github } }]\n',
    );
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    ['validate --json', 0, 'stdout'],
    ['validate --config none.yaml --json', 1, 'stdout'],
    ['validate --config none.yaml', 1, 'stderr'],
    ['--help', 0, 'stdout'],
  ] as const)('lets `drayage %s` end quietly with exit code %i without %s', async (line, code, closed) => {
    const child = spawn(process.execPath, [file, ...line.split(' ')], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child[closed].destroy();
    const [left, [exitCode]] = await Promise.all([
      text(closed === 'stdout' ? child.stderr : child.stdout),
      once(child, 'close'),
    ]);
    expect(exitCode, left).toBe(code);
    expect(left).not.toMatch(/EPIPE|at .*:\d+:\d+/);
  });

  it.runIf(existsSync('/dev/full'))('reports that a result cannot be written to a full disk', async () => {
    const full = openSync('/dev/full', 'w');
    const child = spawn(process.execPath, [file, 'validate', '--config', config], {
      stdio: ['ignore', full, 'pipe'],
    });
    closeSync(full);
    const [told, [code]] = await Promise.all([text(child.stderr as Readable), once(child, 'close')]);
    expect(code).toBe(1);
    expect(told).toMatch(
      /^drayage: standard output can’t be written: the disk is full \(ENOSPC\)\n {2}free some space.*\n$/,
    );
  });

  it('lets `drayage local` run on without its logs, and clean up at the end', async () => {
    const data = join(folder, 'data');
    const child = spawn(process.execPath, [file, 'local', '--config', config, '--data', data], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    try {
      const [line] = (await once(child.stdout, 'data')) as [Buffer];
      const { api } = JSON.parse(line.toString()) as { api: string };
      child.stdout.destroy();
      child.stderr.destroy();
      // Each of them is logged.
      for (let round = 0; round < 3; round += 1) {
        const response = await fetch(`${api}/webhooks/github`, { method: 'POST', body: '{}' });
        expect(response.status).toBe(401);
      }
      expect(readdirSync(data)).toContain('lock');
      child.kill('SIGTERM');
      expect(await once(child, 'close')).toEqual([0, null]);
      expect(readdirSync(data)).not.toContain('lock');
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('ends `drayage demo`, which has no other purpose, and removes its files', async () => {
    const child = spawn(process.execPath, [file, 'demo'], {
      env: { ...process.env, TMPDIR: folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await once(child.stdout, 'data');
    child.stdout.destroy();
    const [told, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
    expect([code, told]).toEqual([1, '']);
    expect(readdirSync(folder).filter((name) => name.startsWith('drayage-demo-'))).toEqual([]);
  });
});
