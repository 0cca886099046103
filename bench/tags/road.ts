import type { DockerRegistry } from '../../test/support/docker-registry.ts';
import type { WireCounts } from '../wire/counts.ts';
import { startWire } from '../wire/wire.ts';
import { countsOfLog, markLog } from './registry-log.ts';

/** The connection to a registry, with or without a wire, and its counts. */
export interface Road extends AsyncDisposable {
  /** 127.0.0.1:PORT, for clients. */
  host: string;
  /** Resets the counts. */
  reset(): Promise<void>;
  /** What has passed since; without a wire, according to the registry's log. */
  read(): Promise<WireCounts>;
}

/** Opens the connection to a registry. */
export async function openRoad(registry: DockerRegistry, isWired: boolean): Promise<Road> {
  return isWired ? await wiredRoad(registry) : directRoad(registry);
}

async function wiredRoad(registry: DockerRegistry): Promise<Road> {
  const wire = await startWire();
  await wire.reset(registry.host);
  return {
    host: wire.host,
    reset: () => wire.reset(registry.host),
    read: () => wire.read(),
    [Symbol.asyncDispose]: () => Promise.resolve(wire[Symbol.asyncDispose]()),
  };
}

function directRoad(registry: DockerRegistry): Road {
  let begin = 0;
  return {
    host: registry.host,
    async reset() {
      begin = await markLog(registry);
    },
    async read() {
      const end = await markLog(registry);
      return countsOfLog(registry.log().slice(begin + 1, end));
    },
    async [Symbol.asyncDispose]() {},
  };
}
