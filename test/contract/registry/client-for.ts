import { onTestFinished } from 'vitest';
import { RegistryClient, type RegistryClientOptions } from '../../../core/registry/client.ts';
import type { RegistryError } from '../../../core/registry/errors.ts';
import type { ScriptedServer } from '../../support/scripted-server.ts';

/** A client of a scripted server, with waits short enough for tests; closed when the test ends. */
export function clientFor(
  server: ScriptedServer,
  options: Partial<RegistryClientOptions> = {},
): RegistryClient {
  const client = new RegistryClient({
    registry: 'r.example',
    endpoint: server.origin,
    side: 'upstream',
    ...options,
    retry: { baseMs: 1, maxMs: 2, ...options.retry },
  });
  onTestFinished(() => client.close());
  return client;
}

/** The error that a promise rejects with; fails if it does not reject. */
export async function errorOf(promise: Promise<unknown>): Promise<RegistryError> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error) => ({ error }),
  );
  if ('error' in outcome) return outcome.error as RegistryError;
  throw new Error(`it should have failed, but it returned ${JSON.stringify(outcome.value)}`);
}

/** All bytes of a stream. */
export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

/** All texts of a list. */
export async function listed(texts: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const text of texts) all.push(text);
  return all;
}

/** `Authorization: Basic …` */
export const basic = (username: string, password: string): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
