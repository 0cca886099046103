import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type Pipeline, pipelineConfig } from '../../test/support/pipeline.ts';
import { interruptible } from '../interruption.ts';
import type { WireCounts } from '../wire/counts.ts';
import type { WireOptions } from '../wire/relay.ts';
import { startWire } from '../wire/wire.ts';
import type { Feeds } from './process.ts';

/** A process that copies layers, with its own wires to the upstream and to the mirror. */
export interface Worker extends AsyncDisposable {
  /** What went over its wires. */
  read(): Promise<{ upstream: WireCounts; mirror: WireCounts }>;
}

/** Starts a worker on a pipeline's services; it is ready for messages when this resolves. */
export async function startWorker(
  pipeline: Pipeline,
  wire: WireOptions,
  { layers, mirror }: Omit<Feeds, 'environment'>,
): Promise<Worker> {
  const [upstreamWire, mirrorWire] = await Promise.all([startWire(wire), startWire(wire)]);
  await Promise.all([
    upstreamWire.reset(pipeline.upstream.host),
    mirrorWire.reset(pipeline.stack.registry.host),
  ]);
  const environment = {
    ...pipeline.stack.environment,
    AWS_ENDPOINT_URL_ECR: `http://${mirrorWire.host}`,
    DRAYAGE_CONFIG_JSON: JSON.stringify(pipelineConfig(`http://${upstreamWire.host}`)),
    POWERTOOLS_LOG_LEVEL: 'WARN',
  };
  const child = await interruptible(() => forkWorker({ environment, layers, mirror }));
  return {
    async read() {
      const [upstream, mirrored] = await Promise.all([upstreamWire.read(), mirrorWire.read()]);
      return { upstream, mirror: mirrored };
    },
    async [Symbol.asyncDispose]() {
      await child[Symbol.asyncDispose]();
      await Promise.all([upstreamWire[Symbol.asyncDispose](), mirrorWire[Symbol.asyncDispose]()]);
    },
  };
}

async function forkWorker(feeds: Feeds): Promise<AsyncDisposable> {
  const child = fork(join(import.meta.dirname, 'process.ts'), { execArgv: [] });
  const exited = once(child, 'exit');
  child.send(feeds);
  const [answer] = await Promise.race([once(child, 'message'), exited]);
  if (answer !== 'ready') throw new Error(`a worker's process ended with ${answer}`);
  return {
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}
