import { execFileSync } from 'node:child_process';
import { readFileSync, realpathSync, rmSync } from 'node:fs';

/** Removes a folder in which programs that run containers have left mounts. */
export function removeFolder(folder: string): void {
  unmountBelow(folder);
  rmSync(folder, { recursive: true, force: true });
}

/** Unmounts everything below a folder, the latest first. */
export function unmountBelow(folder: string): void {
  const top = `${realpathSync(folder)}/`;
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((place) => place.startsWith(top));
  for (const place of mounts.reverse()) execFileSync('umount', ['--lazy', place]);
}
