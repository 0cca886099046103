import type { Command } from 'commander';
import { bashScript } from './bash.ts';
import { fishScript } from './fish.ts';
import { completionTree } from './tree.ts';
import { zshScript } from './zsh.ts';

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript };

/** The shells that scripts are made for. */
export type Shell = keyof typeof scripts;

/** Prints the script for a shell, made from the commands of the program. */
export function printScript(shell: Shell, program: Command): void {
  process.stdout.write(scripts[shell](completionTree(program)));
}
