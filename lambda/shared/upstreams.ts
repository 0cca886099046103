import { EcrUpstream } from '../../core/aws/ecr/upstream/ecr-upstream.ts';
import type { SecretReader } from '../../core/aws/secrets.ts';
import type { Config, Upstream } from '../../core/config/config.ts';
import type { ImageSource } from '../../core/copy/ports.ts';
import { RegistryRepository } from '../../core/copy/registry-repository.ts';
import type { TagLister } from '../../core/jobs/dependencies.ts';
import type { UpstreamGate } from '../../core/jobs/ports.ts';
import { RegistryClient } from '../../core/registry/client.ts';
import { ecrHostOf } from '../../core/registry/known-registries.ts';
import { tagApiOf } from '../../core/registry/listings/choose.ts';
import type { ListedTag } from '../../core/registry/operations/lists/tags.ts';
import { type PullBudget, PullPermits } from '../../core/registry/pull-permits.ts';
import { timeoutsFor } from '../../core/registry/transport/transport.ts';
import { countRequest } from './metrics.ts';
import { outsideNetwork } from './outside-network.ts';
import { logger } from './telemetry.ts';

/** What upstreams need from a deployment, which opens each part only when it is used. */
interface UpstreamsDependencies {
  readonly config: Config;
  readonly upstreamGate: UpstreamGate;
  readonly secrets: Pick<SecretReader, 'readFields'>;
  /** How many manifests may still be read; absent where none are read. */
  readonly pullBudget?: PullBudget;
}

/** One client for each upstream registry, so that connections and tokens are reused. */
export class Upstreams {
  readonly #deps: UpstreamsDependencies;
  readonly #clients = new Map<string, RegistryClient>();

  constructor(deps: UpstreamsDependencies) {
    this.#deps = deps;
  }

  /** Opens a repository of an upstream with the upstream's endpoint and credentials. */
  async open(upstream: Upstream, repository: string): Promise<ImageSource & TagLister> {
    return new UpstreamRepository(this.client(upstream), upstream.registry, repository);
  }

  /**
   * All tags of a repository, with their digests as far as the upstream lists them:
   * `RegistryClient.listTagsWithDigests`.
   */
  listTags(upstream: Upstream, repository: string, signal: AbortSignal): AsyncIterable<ListedTag> {
    return this.client(upstream).listTagsWithDigests(repository, { signal });
  }

  /** The client of an upstream. */
  client(upstream: Upstream): RegistryClient {
    let client = this.#clients.get(upstream.registry);
    if (!client) {
      client = this.#connect(upstream);
      this.#clients.set(upstream.registry, client);
    }
    return client;
  }

  #connect(upstream: Upstream): RegistryClient {
    const { pullBudget } = this.#deps;
    const ecr = ecrUpstream(upstream);
    return new RegistryClient({
      registry: upstream.registry,
      endpoint: upstream.endpoint,
      authHosts: upstream.authHosts,
      redirectHosts: upstream.redirectHosts,
      network: outsideNetwork(this.#deps.config),
      ...(upstream.timeoutSeconds !== undefined && {
        timeouts: timeoutsFor(upstream.timeoutSeconds * 1000),
      }),
      side: 'upstream',
      credentials: ecr ? () => ecr.login() : (options) => this.#credentials(upstream, options),
      onClosed: (ms) => this.#close(upstream, ms),
      onRequest: countRequest,
      pulls: pullBudget && new PullPermits(upstream.registry, pullBudget),
      tagApi: tagApiOf(upstream, ecr),
      onTagApiFailed: (error) =>
        logger.warn('tags are listed without digests, since the registry’s own API failed', { error }),
    });
  }

  async #credentials({ credentials }: Upstream, options: { fresh: boolean }) {
    if (!credentials || !('secret' in credentials)) return undefined;
    return await this.#deps.secrets.readFields(credentials.secret, ['username', 'password'], options);
  }

  /** A rate limit that one worker hits applies to all of them. */
  #close({ registry }: Upstream, ms: number): void {
    this.#deps.upstreamGate
      .close(registry, new Date(Date.now() + ms))
      .catch((error) =>
        logger.warn('the other workers could not be told of a rate limit', { registry, error }),
      );
  }
}

/** The ECR registry that an upstream is, if it is used through a role. */
function ecrUpstream({ registry, credentials }: Upstream): EcrUpstream | undefined {
  if (!credentials || !('roleArn' in credentials)) return undefined;
  const host = ecrHostOf(registry);
  // The schema accepts such credentials for no other registry.
  if (!host) throw new Error(`${registry} is not a private registry of Amazon ECR`);
  return new EcrUpstream(host, { roleArn: credentials.roleArn, ecr: { onRequest: countRequest } });
}

class UpstreamRepository extends RegistryRepository implements TagLister {
  listTags(options?: { signal?: AbortSignal }): AsyncIterable<string> {
    return this.client.listTags(this.repository, options);
  }

  hasTag(tag: string, options?: { signal?: AbortSignal }): Promise<boolean> {
    return this.client.hasTag(this.repository, tag, options);
  }
}
