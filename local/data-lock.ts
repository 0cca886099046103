import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StartError } from './start-error.ts';

/** A predecessor that was just killed may need this long to exit. */
const lockWaitMs = 5_000;

/** The locks of this process: its own id in any other lock belongs to a dead predecessor. */
const held = new Set<string>();

/**
 * Takes the folder's `lock`, a file that holds `PID UUID`. It appears complete, by a link to a
 * finished file, so its owner can always be read. The lock of a killed process is removed.
 *
 * @param waitMs how long to wait for a holder that may be about to end
 * @returns a function that releases the lock
 * @throws Error if another process holds it
 */
export async function takeLock(directory: string, waitMs = lockWaitMs): Promise<() => void> {
  const lock = join(directory, 'lock');
  const own = `${process.pid} ${randomUUID()}`;
  const file = `${lock}.${randomUUID()}`;
  writeFileSync(file, own, { flag: 'wx' });
  try {
    for (const until = Date.now() + waitMs; !linked(file, lock); ) {
      const content = contentOf(lock);
      if (content === undefined) continue;
      if (!isHeld(content)) {
        if (!removeDead(lock, content, file)) await sleep(10);
      } else if (Date.now() < until) {
        await sleep(100);
      } else {
        const holder = Number.parseInt(content, 10);
        throw new StartError(
          `the data folder ${directory} is in use by process ${holder}`,
          `stop that process (see it with ps -p ${holder}), or choose another folder: --data FOLDER`,
        );
      }
    }
  } finally {
    rmSync(file, { force: true });
  }
  held.add(own);
  return () => release(lock, own);
}

/**
 * Removes a dead process's lock, under a separate lock for that: if two processes see it dead, the
 * second must not remove the first one's new lock. @returns whether it was this one's turn
 */
function removeDead(lock: string, dead: string, file: string): boolean {
  const turn = `${lock}.removal`;
  if (!linked(file, turn)) {
    const content = contentOf(turn);
    if (content !== undefined && !isHeld(content)) setAside(turn, content);
    return false;
  }
  try {
    if (contentOf(lock) === dead) rmSync(lock, { force: true });
  } finally {
    rmSync(turn, { force: true });
  }
  return true;
}

/**
 * Removes the leftovers of a process that was killed between two lines of `removeDead`, and puts
 * anything else back.
 */
function setAside(turn: string, dead: string): void {
  const aside = `${turn}.${randomUUID()}`;
  try {
    renameSync(turn, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  if (contentOf(aside) !== dead) linked(aside, turn);
  rmSync(aside, { force: true });
}

function release(lock: string, own: string): void {
  held.delete(own);
  if (contentOf(lock) === own) rmSync(lock, { force: true });
}

function linked(file: string, lock: string): boolean {
  try {
    linkSync(file, lock);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whether a process that may be one of ours still has this lock. */
function isHeld(content: string): boolean {
  if (held.has(content)) return true;
  const pid = Number.parseInt(content, 10);
  // A container's process often has the same id after a restart.
  if (!(pid > 0) || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (codeOf(error) !== 'EPERM') return false;
  }
  return mayBeOurs(pid);
}

/**
 * Process ids are reused. If the system shows which program has this one (Linux), it must be Node.
 */
function mayBeOurs(pid: number): boolean {
  try {
    return /node|drayage/i.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
  } catch {
    return true;
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
