import { onTestFinished } from 'vitest';
import { commitChildren, commitRoot } from '../../core/copy/commit.ts';
import { type CopyOptions, copyBlobs } from '../../core/copy/copy.ts';
import { plan } from '../../core/copy/plan.ts';
import type { ImageDestination, ImageSource } from '../../core/copy/ports.ts';
import { RegistryRepository } from '../../core/copy/registry-repository.ts';
import { RegistryClient, type RegistryClientOptions } from '../../core/registry/client.ts';
import type { EmbeddedRegistry, RequestRecord } from '../../local/ecr/server.ts';

/** A repository of a registry, with its own client, which closes when the test ends. */
export function repositoryAt(
  { host, endpoint }: Pick<EmbeddedRegistry, 'host' | 'endpoint'>,
  repository: string,
  options: Partial<RegistryClientOptions> & Pick<RegistryClientOptions, 'side'>,
): RegistryRepository {
  const client = new RegistryClient({ registry: host, endpoint, ...options });
  onTestFinished(() => client.close());
  return new RegistryRepository(client, host, repository);
}

/** Copies a whole image: reads it, moves its blobs, puts its manifests and its tag. */
export async function copyWhole(
  source: ImageSource,
  destination: ImageDestination,
  tag: string,
  options: CopyOptions = {},
) {
  const { signal } = options;
  const planned = await plan(source, destination, tag, { signal });
  const result = await copyBlobs(source, destination, planned, options);
  await commitChildren(destination, planned, result.arrived, { signal });
  await commitRoot(destination, planned, tag, { signal });
  return { ...result, plan: planned };
}

/** `POST uploads`, `GET blobs`, or the operation of the ECR API, without the tag or digest. */
export function requestLines(requests: readonly RequestRecord[]): string[] {
  return requests.map(({ method, path, operation }) =>
    operation === undefined ? `${method} ${lastWords(path)}` : operation,
  );
}

/** How often each line occurs. */
export function counted(lines: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const line of lines) counts[line] = (counts[line] ?? 0) + 1;
  return counts;
}

/**
 * What is asked for: `manifests`, `blobs`, `uploads` (to begin one), `upload` (of one),
 * `referrers`, `layer` or `ping`.
 */
function lastWords(path: string): string {
  if (path === '/v2/') return 'ping';
  if (path.startsWith('/layers/')) return 'layer';
  const [, kind = path] = /\/(manifests|referrers|blobs\/uploads\/?|blobs)(?=\/|$)/.exec(path) ?? [];
  if (!kind.startsWith('blobs/uploads')) return kind;
  return path.endsWith('/uploads/') ? 'uploads' : 'upload';
}
