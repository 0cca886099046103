import { fileURLToPath } from 'node:url';
import { type CommandResult, startNode } from './drayage.ts';

const main = fileURLToPath(new URL('../../image/main.ts', import.meta.url));

/** Runs `npm run image` with arguments, against registries that speak plain HTTP. */
export function buildImage(args: string[], env: NodeJS.ProcessEnv = {}): Promise<CommandResult> {
  return startNode(main, ['--plain-http', ...args], { env: { ...process.env, ...env } }).ended;
}
