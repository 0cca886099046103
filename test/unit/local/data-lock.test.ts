import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { takeLock } from '../../../local/data-lock.ts';

let folder: string;
let lock: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drayage-lock-'));
  lock = join(folder, 'lock');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** An id that no process has: that of one that has just ended. */
async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
  await once(child, 'close');
  return child.pid ?? 0;
}

describe('the lock of a data folder', () => {
  it('is complete as soon as it exists, leaves nothing else, and is removed on release', async () => {
    const release = await takeLock(folder);
    expect(readFileSync(lock, 'utf8')).toMatch(new RegExp(`^${process.pid} [0-9a-f-]{36}$`));
    expect(readdirSync(folder)).toEqual(['lock']);
    release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is not given to a second holder, even in this process', async () => {
    const release = await takeLock(folder);
    await expect(takeLock(folder, 0)).rejects.toThrow(
      `the data folder ${folder} is in use by process ${process.pid}`,
    );
    expect(readdirSync(folder)).toEqual(['lock']);
    release();
    (await takeLock(folder, 0))();
  });

  it.each([
    ['an ended process', async () => String(await deadProcess())],
    ['an earlier process with the id of this one', async () => `${process.pid} other`],
    ['a process that was killed before it wrote', async () => ''],
  ])('is taken from %s', async (_, content) => {
    writeFileSync(lock, await content());
    const release = await takeLock(folder, 0);
    expect(readdirSync(folder)).toEqual(['lock']);
    release();
  });

  it.runIf(existsSync('/proc/self/cmdline'))(
    'is taken from an id that now belongs to another program',
    async () => {
      const other = spawn('sleep', ['60'], { stdio: 'ignore' });
      try {
        await once(other, 'spawn');
        await expect
          .poll(() => readFileSync(`/proc/${other.pid}/cmdline`, 'utf8'), { interval: 5 })
          .toMatch(/^sleep/);
        writeFileSync(lock, String(other.pid));
        (await takeLock(folder, 0))();
      } finally {
        other.kill('SIGKILL');
      }
    },
  );

  it('is taken even if a process was killed while it removed a dead lock', async () => {
    const dead = String(await deadProcess());
    writeFileSync(lock, dead);
    writeFileSync(`${lock}.removal`, dead);
    const release = await takeLock(folder, 0);
    expect(readdirSync(folder)).toEqual(['lock']);
    release();
  });

  it('does not remove on its release what belongs to another', async () => {
    const release = await takeLock(folder);
    writeFileSync(lock, 'another');
    release();
    expect(readFileSync(lock, 'utf8')).toBe('another');
  });

  it('goes to exactly one of several that find a dead one at the same moment', async () => {
    const module = new URL('../../../local/data-lock.ts', import.meta.url).href;
    const script = `
      import { takeLock } from ${JSON.stringify(module)};
      process.stdin.once('data', async () => {
        console.log(await takeLock(${JSON.stringify(folder)}, 0).then(() => 'held', (error) => error.message));
      });
      console.log('ready');`;
    const children = Array.from({ length: 4 }, () =>
      spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['pipe', 'pipe', 'inherit'] }),
    );
    try {
      const answers = children.map(({ stdout }) => createInterface(stdout)[Symbol.asyncIterator]());
      const next = () => Promise.all(answers.map(async (lines) => (await lines.next()).value as string));
      await next();
      writeFileSync(lock, String(await deadProcess()));
      for (const { stdin } of children) stdin.write('go\n');
      const told = (await next()).sort();
      expect(told.filter((line) => line === 'held')).toHaveLength(1);
      expect(told.filter((line) => /is in use by process \d+/.test(line))).toHaveLength(3);
      expect(readdirSync(folder)).toEqual(['lock']);
    } finally {
      for (const child of children) child.kill('SIGKILL');
    }
  });
});
