import { EcrRegistry } from '../../core/aws/ecr/registry.ts';
import type { Upstream } from '../../core/config/config.ts';
import type { CallOptions, ImageSource } from '../../core/copy/ports.ts';
import { RegistryRepository } from '../../core/copy/registry-repository.ts';
import { DrayageError, type Retry } from '../../core/errors.ts';
import type { OpenMirror, TagLister } from '../../core/jobs/dependencies.ts';
import { RegistryClient } from '../../core/registry/client.ts';
import type { NetworkSettings } from '../../core/registry/transport/network.ts';
import { timeoutsFor } from '../../core/registry/transport/transport.ts';
import { checkpoints, config, mappings, once, region, secrets, upstreamGate } from './services.ts';
import { logger } from './telemetry.ts';

/** Clients live as long as the function's instance, so that connections and tokens are used again. */
const upstreams = new Map<string, RegistryClient>();

/** Opens a repository of an upstream with the upstream's endpoint and credentials. */
export async function openUpstream(upstream: Upstream, repository: string): Promise<ImageSource & TagLister> {
  let client = upstreams.get(upstream.registry);
  if (!client) {
    client = new RegistryClient({
      registry: upstream.registry,
      endpoint: upstream.endpoint,
      authHosts: upstream.authHosts,
      redirectHosts: upstream.redirectHosts,
      network: upstreamNetwork(),
      ...(upstream.timeoutSeconds !== undefined && {
        timeouts: timeoutsFor(upstream.timeoutSeconds * 1000),
      }),
      side: 'upstream',
      credentials: (options) => upstreamCredentials(upstream, options),
      onClosed: (ms) => closeUpstream(upstream, ms),
    });
    upstreams.set(upstream.registry, client);
  }
  return new UpstreamRepository(client, upstream.registry, repository);
}

/** What one worker is told, all heed. */
function closeUpstream({ registry }: Upstream, ms: number): void {
  upstreamGate()
    .close(registry, new Date(Date.now() + ms))
    .catch((error) => logger.warn('the other workers do not know of a rate limit', { registry, error }));
}

/** How upstreams are reached. The mirror and AWS are not reached through the proxy, which is only for upstreams. */
function upstreamNetwork(): NetworkSettings | undefined {
  const { network } = config();
  if (!network) return undefined;
  const { proxy, certificates } = network;
  return { proxy: proxy === undefined ? undefined : { http: proxy, https: proxy }, certificates };
}

class UpstreamRepository extends RegistryRepository implements TagLister {
  listTags(options?: { signal?: AbortSignal }): AsyncIterable<string> {
    return this.client.listTags(this.repository, options);
  }
}

async function upstreamCredentials({ credentials }: Upstream, options: { fresh: boolean }) {
  if (!credentials) return undefined;
  if (!('secret' in credentials)) throw new UnsupportedCredentials();
  return await secrets().readFields(credentials.secret, ['username', 'password'], options);
}

/** `credentials: {type: ecr}` needs a role in the other account to be assumed, which nothing here does yet. */
class UnsupportedCredentials extends DrayageError {
  override readonly name = 'UnsupportedCredentials';
  readonly code = 'CREDENTIALS_UNSUPPORTED';
  readonly side = 'upstream';
  readonly remedy =
    'use credentials: {secret: …}; this version can not assume a role for another ECR registry';
  readonly retry: Retry = { kind: 'never' };
  constructor() {
    super('credentials of type ecr are not supported by this version');
  }
}

const mirror = once(
  () => new EcrRegistry(region(), config().mirror.repository, { checkpoints: checkpoints() }),
);
let toldHost: string | undefined;

/** Opens a repository of the mirror registry, and notes in the table where that registry is reached. */
export async function openMirror(repository: string, options: CallOptions): Promise<OpenMirror> {
  const registry = mirror();
  const host = await registry.host(options);
  if (host !== toldHost) {
    await mappings().putRegistryHost(registry.region, host);
    toldHost = host;
  }
  return { region: registry.region, destination: await registry.repository(repository, options) };
}
