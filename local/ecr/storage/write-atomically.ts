import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Writes a file atomically: first into `temporary` (on the same file system), then renamed. That is
 * safe if the process dies. Safety against power loss would need an fsync, which a local registry
 * does without.
 */
export async function writeAtomically(
  path: string,
  content: Uint8Array | string,
  temporary: string,
): Promise<void> {
  const draft = join(temporary, randomUUID());
  try {
    await writeFile(draft, content);
    await renameInto(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/** A rename that creates the target's folder if it is missing. */
export async function renameInto(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await mkdir(dirname(to), { recursive: true });
    await rename(from, to);
  }
}
