import type { ProcessDependencies } from '../../core/jobs/process-message.ts';
import { intercepted } from './intercepted.ts';

/** What a process calls outside of itself. */
type Mortal = 'mappings' | 'jobs' | 'queue' | 'notifier';

/** When a process dies: at its nth call, either before or after the call took effect. */
export interface Death {
  call: number;
  when: 'before' | 'after';
}

/**
 * Dependencies of a process that dies at its nth call to one of these parts. From then on, every
 * call fails.
 */
export function dyingAt(
  dependencies: ProcessDependencies,
  { call, when }: Death,
  parts: readonly Mortal[],
): { deps: ProcessDependencies; died: () => boolean } {
  let calls = 0;
  let isDead = false;
  const expectAlive = () => {
    if (isDead) throw new Error('the process is dead');
  };
  const mortal = <T extends object>(target: T): T =>
    intercepted(target, async ({ go }) => {
      calls += 1;
      const isLast = calls === call;
      if (calls > call || (isLast && when === 'before')) isDead = true;
      expectAlive();
      const result = await go();
      if (isLast) isDead = true;
      expectAlive();
      return result;
    });
  const deps = {
    ...dependencies,
    ...Object.fromEntries(parts.map((part) => [part, mortal(dependencies[part])])),
  };
  return { deps, died: () => isDead };
}
