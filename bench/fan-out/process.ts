/**
 * The process of one worker, forked by {@link file://./worker.ts}: runs the handlers of the queues
 * that it is given, each stream in its own instance, as in Lambda. Ends with its parent.
 */
import { startEventSource } from '../../local/event-source.ts';
import { LambdaFunction } from '../../local/lambda-function.ts';

/** The parent's instructions. */
export interface Feeds {
  /** The functions' environment. */
  environment: Record<string, string>;
  /** How many layers at once. */
  layers: number;
  /** Whether to run mirror jobs, too. */
  mirror: boolean;
}

process.once('message', async ({ environment, layers, mirror }: Feeds) => {
  const start = async (name: string, queueUrl: string) => {
    const one = new LambdaFunction({
      name,
      module: new URL(`../../lambda/${name}/handler.ts`, import.meta.url),
      environment: { ...environment, POWERTOOLS_SERVICE_NAME: name },
      timeoutMs: 900_000,
      instances: 1,
      eventsPerInstance: 1,
      log: process.stderr,
    });
    await one.warm();
    startEventSource({
      endpoint: environment.AWS_ENDPOINT_URL_SQS ?? '',
      region: environment.AWS_REGION ?? '',
      queueUrl,
      function: one,
      batchSize: 1,
      concurrency: 1,
      log: process.stderr,
    });
  };
  for (let n = 0; n < layers; n++) await start('layer', environment.DRAYAGE_LAYER_QUEUE_URL ?? '');
  if (mirror) await start('mirror', environment.DRAYAGE_QUEUE_URL ?? '');
  process.send?.('ready');
});
process.on('disconnect', () => process.exit());
// An interrupted bench ends its workers itself.
process.on('SIGINT', () => {});
