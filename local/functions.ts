import { LambdaFunction, type LambdaFunctionOptions } from './lambda-function.ts';

/** The deployed functions that the local stack runs, with the limits that they have there (lib/). */
export interface Functions {
  webhook: LambdaFunction;
  mapping: LambdaFunction;
  mirror: LambdaFunction;
  reconcile: LambdaFunction;
}

const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

/**
 * Makes the functions; none runs before its first event.
 *
 * @param mirrorInstances how many images are mirrored at once.
 */
export function createFunctions(
  environment: Record<string, string>,
  mirrorInstances: number,
  log: NodeJS.WritableStream,
): Functions {
  const make = (
    name: string,
    limits: Pick<LambdaFunctionOptions, 'timeoutMs' | 'instances' | 'eventsPerInstance'>,
  ): LambdaFunction =>
    new LambdaFunction({
      name,
      module: new URL(`../lambda/${name}/handler${extension}`, import.meta.url),
      environment: { ...environment, POWERTOOLS_SERVICE_NAME: name },
      log,
      ...limits,
    });
  return {
    webhook: make('webhook', { timeoutMs: 28_000, instances: 1, eventsPerInstance: 64 }),
    mapping: make('mapping', { timeoutMs: 10_000, instances: 1, eventsPerInstance: 64 }),
    mirror: make('mirror', { timeoutMs: 900_000, instances: mirrorInstances, eventsPerInstance: 1 }),
    reconcile: make('reconcile', { timeoutMs: 60_000, instances: 1, eventsPerInstance: 1 }),
  };
}
