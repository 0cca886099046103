import type { Upstream } from '../../config/config.ts';
import { isEcr, knownRegistry } from '../known-registries.ts';
import { dockerHubApi } from './docker-hub.ts';
import type { TagApi, TagApiChoice } from './tag-api.ts';

/**
 * Google's registries, whose list of tags has digests itself. registry.k8s.io redirects to one of
 * them.
 */
const google = /^(?:(?:[a-z0-9-]+\.)*(?:gcr\.io|pkg\.dev)|registry\.k8s\.io)$/;
/** Services that are neither Harbor nor Quay. */
const others =
  /^(?:ghcr\.io|registry\.gitlab\.com|mcr\.microsoft\.com|(?:[a-z0-9-]+\.)+azurecr\.io|nvcr\.io|docker\.elastic\.co|registry\.digitalocean\.com)$/;

/**
 * The API that lists an upstream's tags with their digests; undefined if only the distribution API
 * is used. A written endpoint is a cache or a proxy, whose other paths say nothing about the
 * registry.
 *
 * @param ecr the API of a private ECR registry; absent where nobody is logged in to it
 */
export function tagApiOf(
  { registry, endpoint, webhooks }: Pick<Upstream, 'registry' | 'endpoint' | 'webhooks'>,
  ecr?: TagApi,
): TagApiChoice | undefined {
  if (endpoint !== knownRegistry(registry).endpoint) return undefined;
  if (ecr) return { kind: 'given', api: ecr };
  if (registry === 'docker.io') return { kind: 'docker-hub', endpoint: dockerHubApi };
  if (registry === 'quay.io') return { kind: 'quay' };
  if (isEcr(registry) || isGoogle(registry) || others.test(registry)) return undefined;
  // What sends Quay's or Harbor's webhooks is a Quay or a Harbor.
  const sender = webhooks
    .map(({ source }) => source)
    .find((source) => source === 'quay' || source === 'harbor');
  if (sender === 'quay' || sender === 'harbor') return { kind: sender };
  return { kind: 'detect' };
}

/** Whether an upstream's tags are listed by another host than its registry's. */
export function listsElsewhere(upstream: Parameters<typeof tagApiOf>[0]): boolean {
  return tagApiOf(upstream)?.kind === 'docker-hub';
}

/** Whether a registry is Google's. */
export function isGoogle(registry: string): boolean {
  return google.test(registry);
}
