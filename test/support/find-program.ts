import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { packageRoot } from '../../lib/function-bundle.ts';

/** A program from outside that a suite needs. */
export interface NeededProgram {
  /** What people call it. */
  title: string;
  /** Its file's name. */
  name: string;
  /** The environment variable that says where it is. */
  variable: string;
  /** How to install it. */
  remedy: string;
}

/**
 * Finds a program: where its variable says, else in the repository's `.venv`, else on the PATH.
 *
 * @throws Error with the remedy if it is not there: a suite never skips what it can't run
 */
export function findProgram({ title, name, variable, remedy }: NeededProgram): string {
  const named = process.env[variable];
  const places = named
    ? [named]
    : [
        join(packageRoot, '.venv/bin', name),
        ...(process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name)),
      ];
  const found = places.find(isExecutable);
  if (found !== undefined) return found;
  throw new Error(`${title} is not installed at ${named ?? `.venv/bin/${name} or on the PATH`}: ${remedy}`);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
