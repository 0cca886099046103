import { LambdaFunction, type LambdaFunctionOptions } from './lambda-function.ts';

/** The deployed functions that the local stack runs, with the same limits as in lib/. */
export interface Functions {
  webhook: LambdaFunction;
  api: LambdaFunction;
  mirror: LambdaFunction;
  layer: LambdaFunction;
  schedule: LambdaFunction;
  reconcile: LambdaFunction;
  retention: LambdaFunction;
  registryEvents: LambdaFunction;
  snapshot: LambdaFunction;
  notify: LambdaFunction;
}

/** In the published package, a function runs from the bundle that is deployed: one file to load. */
const isSource = import.meta.url.endsWith('.ts');

/** The most instances of the functions that the queues feed. */
export interface Instances {
  /** The most images mirrored at once. */
  mirror: number;
  /** The most large layers copied at once. */
  layer: number;
}

/** Creates the functions; none runs before its first event. */
export function createFunctions(
  environment: Record<string, string>,
  instances: Instances,
  log: NodeJS.WritableStream,
): Functions {
  const make = (
    name: string,
    limits: Pick<LambdaFunctionOptions, 'timeoutMs' | 'instances' | 'eventsPerInstance'>,
  ): LambdaFunction =>
    new LambdaFunction({
      name,
      module: new URL(
        isSource ? `../lambda/${name}/handler.ts` : `../functions/${name}/index.mjs`,
        import.meta.url,
      ),
      // Each signs its requests with its own identity, like functions with separate roles.
      environment: { ...environment, AWS_ACCESS_KEY_ID: name, POWERTOOLS_SERVICE_NAME: name },
      log,
      ...limits,
    });
  return {
    webhook: make('webhook', { timeoutMs: 28_000, instances: 1, eventsPerInstance: 64 }),
    api: make('api', { timeoutMs: 28_000, instances: 1, eventsPerInstance: 64 }),
    mirror: make('mirror', { timeoutMs: 900_000, instances: instances.mirror, eventsPerInstance: 1 }),
    layer: make('layer', { timeoutMs: 900_000, instances: instances.layer, eventsPerInstance: 1 }),
    schedule: make('schedule', { timeoutMs: 60_000, instances: 1, eventsPerInstance: 1 }),
    reconcile: make('reconcile', { timeoutMs: 900_000, instances: 1, eventsPerInstance: 1 }),
    retention: make('retention', { timeoutMs: 900_000, instances: 1, eventsPerInstance: 1 }),
    registryEvents: make('registry-events', { timeoutMs: 90_000, instances: 1, eventsPerInstance: 1 }),
    snapshot: make('snapshot', { timeoutMs: 900_000, instances: 1, eventsPerInstance: 1 }),
    // It mostly waits for endpoints.
    notify: make('notify', { timeoutMs: 60_000, instances: 1, eventsPerInstance: 10 }),
  };
}
