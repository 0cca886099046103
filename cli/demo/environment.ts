import { join } from 'node:path';
import { parseConfig } from '../../core/mirror-yaml/parse.ts';
import { type EmbeddedRegistry, startRegistry } from '../../local/ecr/server.ts';
import { type LocalStack, startLocalStack } from '../../local/stack.ts';

/** Everything that the demo talks to. */
export interface Environment {
  /** Plays ghcr.io. */
  upstream: EmbeddedRegistry;
  stack: LocalStack;
  stop(): Promise<void>;
}

/**
 * The most that one download from the upstream may take, in bytes a second: without it, a copy over
 * loopback would end before anybody sees it.
 */
export const downloadRate = 20_000_000;

/**
 * Starts the upstream registry and the local stack on free ports.
 *
 * @param folder where the upstream may store its files
 */
export async function startEnvironment(folder: string, log: NodeJS.WritableStream): Promise<Environment> {
  const upstream = await startRegistry({ flavour: 'distribution', data: join(folder, 'upstream') });
  upstream.faults.add({
    match: { method: 'GET', path: '/blobs/' },
    action: { kind: 'slow', bytesPerSecond: downloadRate },
  });
  try {
    const stack = await startLocalStack({ config: configuration(upstream.endpoint), reconcileMs: 0, log });
    return {
      upstream,
      stack,
      stop: async () => {
        await stack.stop();
        await upstream.stop();
      },
    };
  } catch (error) {
    await upstream.stop();
    throw error;
  }
}

/** The configuration of a user whose images are at GitHub, except for the endpoint. */
function configuration(endpoint: string) {
  const parsed = parseConfig(`
version: 1
mirror:
  regions: [eu-west-1]
upstreams:
  - registry: ghcr.io
    endpoint: ${endpoint}
    webhook: { source: github }
    repositories:
      - match: acme/**
`);
  if (!parsed.ok) throw new Error(`the demo's configuration is wrong: ${parsed.errors[0]?.message}`);
  return parsed.config;
}
