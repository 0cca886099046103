import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Writes a file so that its name never stands for half of it: into `temporary` (same file system),
 * then renamed. That is safe against the death of the process; against the loss of power it would
 * take an fsync, which a local registry does without.
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

/** A rename that makes the target's folder when it is missing. */
export async function renameInto(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await mkdir(dirname(to), { recursive: true });
    await rename(from, to);
  }
}
