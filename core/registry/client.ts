import type { Dispatcher } from 'undici';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import type { Manifest } from '../oci/manifest.ts';
import { Authenticator } from './auth/authenticator.ts';
import type { CredentialSource } from './auth/credentials.ts';
import type { RegistryError, Side } from './errors.ts';
import { type CallOptions, Exchange } from './exchange.ts';
import { isGoogle } from './listings/choose.ts';
import { openTagApi } from './listings/open-tag-api.ts';
import type { TagApiChoice } from './listings/tag-api.ts';
import { TagLists } from './listings/tag-lists.ts';
import { type BlobDescriptor, type GetBlobOptions, getBlob, headBlob } from './operations/blobs.ts';
import { hasTag } from './operations/has-tag.ts';
import { listRepositories } from './operations/lists/catalog.ts';
import type { ListOptions } from './operations/lists/lists.ts';
import { type ListedTag, listTags, listTagsWithDigests } from './operations/lists/tags.ts';
import {
  type GetManifestOptions,
  getManifest,
  headManifest,
  type ManifestHead,
  putManifest,
} from './operations/manifests.ts';
import { apiUrl, parseEndpoint } from './operations/paths.ts';
import { listReferrers } from './operations/referrers.ts';
import {
  type StartedUpload,
  type StartUploadOptions,
  startUpload,
  type UploadSession,
} from './operations/start-upload.ts';
import { cancelUpload, finishUpload, patchBlob, putBlob } from './operations/uploads.ts';
import type { PullPermits } from './pull-permits.ts';
import { RefusedFeatures } from './refused-features.ts';
import { defaultRetryPolicy, type RetryPolicy } from './retry.ts';
import { StreamLimit } from './stream-limit.ts';
import { guardedLookup } from './transport/addresses.ts';
import { discard } from './transport/body.ts';
import type { Connections } from './transport/connections.ts';
import { createConnections } from './transport/dispatcher.ts';
import type { NetworkSettings } from './transport/network.ts';
import {
  createTransport,
  defaultTimeouts,
  type RequestInfo,
  type Timeouts,
  type Transport,
} from './transport/transport.ts';

export interface RegistryClientOptions {
  /** As in references, for errors: `docker.io`. */
  registry: string;
  /** `https://registry-1.docker.io`; `http://` only if the configuration says so. */
  endpoint: string;
  side: Side;
  /** Hosts (`host` or `host:port`) that credentials may be sent to besides the endpoint's. */
  authHosts?: readonly string[];
  /**
   * Hosts (`host` or `host:port`) that reads may be redirected to even if they are at internal
   * addresses.
   */
  redirectHosts?: readonly string[];
  /**
   * Called when a challenge requires credentials. They are kept until the registry rejects them;
   * then fresh ones are requested. Undefined is anonymous.
   */
  credentials?: CredentialSource;
  /** A proxy, and additional certificate authorities. */
  network?: NetworkSettings | undefined;
  timeouts?: Partial<Timeouts>;
  retry?: Partial<RetryPolicy>;
  /**
   * Connections that the caller owns and closes (a proxy, a mock). Without it, the client has its
   * own pool, which refuses to follow the registry to names at loopback and link-local addresses.
   */
  dispatcher?: Dispatcher;
  /** How many streams the registry accepts, if already learned (by a client with another token). */
  streams?: StreamLimit;
  /** What the registry is known to refuse. */
  refused?: RefusedFeatures;
  /** Called for each HTTP request. */
  onRequest?: (info: RequestInfo) => void;
  /**
   * Called when the registry asks not to receive requests for some time, in milliseconds: a 429, or
   * an exhausted rate limit.
   */
  onClosed?: (ms: number) => void;
  /** Permissions to read manifests, which all workers share; absent: none are needed. */
  pulls?: PullPermits | undefined;
  /** The API of its own with which the registry lists tags and digests; default none. */
  tagApi?: TagApiChoice | undefined;
  /** Called when that API failed, and the distribution API is asked instead. */
  onTagApiFailed?: (error: RegistryError) => void;
}

/**
 * Google's registries list up to so many tags at once, with all their digests
 * (https://github.com/google/go-containerregistry/pull/1645).
 */
const googlePageSize = 10_000;

/**
 * A client for one registry, using the OCI distribution protocol
 * (https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md). Safe for concurrent
 * use: connections, tokens and credentials are shared. Failures are `RegistryError`s; a cancelled
 * operation throws its signal's reason.
 */
export class RegistryClient implements AsyncDisposable {
  readonly registry: string;
  readonly side: Side;
  /** How many streams the registry can handle at once, learned from its answers. */
  readonly streams: StreamLimit;
  /** Which optional features the registry has refused so far. */
  readonly refused: RefusedFeatures;
  readonly #exchange: Exchange;
  readonly #transport: Transport;
  readonly #connections: Connections;
  readonly #tagLists: TagLists;
  readonly #pulls: PullPermits | undefined;

  constructor(options: RegistryClientOptions) {
    const { registry, side, authHosts = [], redirectHosts = [], credentials, onRequest, onClosed } = options;
    const endpoint = parseEndpoint(options.endpoint);
    const timeouts = { ...defaultTimeouts, ...options.timeouts };
    this.registry = registry;
    this.side = side;
    const { dispatcher } = options;
    const trusted = [...authHosts, ...redirectHosts].flatMap(
      (host) => URL.parse(`https://${host}`)?.hostname ?? [],
    );
    this.#connections = dispatcher
      ? { dispatcherFor: () => dispatcher, destroy: async () => {} }
      : createConnections(
          timeouts,
          guardedLookup(endpoint, trusted, { inFunction: options.network?.runtimeApi !== undefined }),
          options.network,
        );
    this.streams = options.streams ?? new StreamLimit();
    this.refused = options.refused ?? new RefusedFeatures();
    const { streams, refused } = this;
    const transport = createTransport({ side, connections: this.#connections, timeouts, onRequest });
    this.#transport = transport;
    const authenticator = new Authenticator({ endpoint, authHosts, credentials, transport });
    const retry = { ...defaultRetryPolicy, ...options.retry };
    this.#exchange = new Exchange({
      side,
      registry,
      hosts: { endpoint, authHosts, redirectHosts },
      transport,
      authenticator,
      retry,
      streams,
      refused,
      onClosed,
      onPullLimit: (limit) => options.pulls?.told(limit),
    });
    this.#pulls = options.pulls;
    const { tagApi } = options;
    const apiOptions = { side, registry, endpoint, transport, retry, credentials, onClosed };
    const pageSize = isGoogle(registry) ? { pageSize: googlePageSize } : {};
    this.#tagLists = new TagLists({
      open: async (signal) => tagApi && (await openTagApi(tagApi, apiOptions, signal)),
      plain: (repository, call) => listTagsWithDigests(this.#exchange, repository, { ...call, ...pageSize }),
      onApiFailed: options.onTagApiFailed,
    });
  }

  /** Checks that the registry answers and accepts the credentials: `GET /v2/`. */
  async ping({ signal }: CallOptions = {}): Promise<void> {
    await this.#exchange.perform(
      {
        operation: 'ping',
        method: 'GET',
        url: apiUrl(this.#exchange.endpoint),
        scopes: [],
        expect: [200],
        unknownCode: 'UNSUPPORTED',
        retry: true,
        signal,
      },
      (answer) => discard(answer.body),
    );
  }

  /**
   * Opens connections for upcoming requests: each sends `GET /v2/` once, in parallel, so that the
   * round trips of TCP and TLS are over when the requests come. Best effort: never rejects, and
   * failures show up again in the requests.
   *
   * @param connections the target number, including connections that are already open or in use
   */
  async warm(connections: number, { signal }: CallOptions = {}): Promise<void> {
    const url = apiUrl(this.#exchange.endpoint);
    const there = this.#connections.connected?.(url) ?? 0;
    const ping = async () => {
      const { body } = await this.#transport({ method: 'GET', url, headers: {}, signal });
      await discard(body);
    };
    await Promise.allSettled(Array.from({ length: Math.max(0, connections - there) }, ping));
  }

  /** A manifest by tag or digest, parsed and verified. */
  async getManifest(repository: string, reference: string, options?: GetManifestOptions): Promise<Manifest> {
    const call = { operation: 'get manifest', repository, reference };
    await this.#pulls?.take(this.#exchange.context(call), () =>
      this.headManifest(repository, reference, options),
    );
    return await getManifest(this.#exchange, repository, reference, options);
  }

  /**
   * What a tag or digest points to, without its bytes; undefined if the registry does not know it.
   */
  headManifest(
    repository: string,
    reference: string,
    options?: CallOptions,
  ): Promise<ManifestHead | undefined> {
    return headManifest(this.#exchange, repository, reference, options);
  }

  /**
   * Whether a tag exists, for callers that remove something if it does not: a 404 counts only with
   * the registry's own error.
   */
  hasTag(repository: string, tag: string, options?: CallOptions): Promise<boolean> {
    return hasTag(this.#exchange, repository, tag, options);
  }

  /** Pushes a manifest under a tag or its digest. */
  putManifest(
    repository: string,
    reference: string,
    manifest: { bytes: Uint8Array; mediaType: string; digest: Digest },
    options?: CallOptions,
  ): Promise<void> {
    return putManifest(this.#exchange, repository, reference, manifest, options);
  }

  /** Whether a blob is there; undefined if not. */
  headBlob(
    repository: string,
    digest: Digest,
    options?: CallOptions,
  ): Promise<{ size?: number } | undefined> {
    return headBlob(this.#exchange, repository, digest, options);
  }

  /**
   * A blob's bytes from `offset` on, as many as the descriptor says. The caller must verify their
   * digest.
   */
  getBlob(
    repository: string,
    descriptor: BlobDescriptor,
    options?: GetBlobOptions,
  ): Promise<AsyncIterable<Uint8Array>> {
    return getBlob(this.#exchange, repository, descriptor, options);
  }

  /** Begins an upload, or mounts a blob from another repository. */
  startUpload(repository: string, options?: StartUploadOptions): Promise<StartedUpload> {
    return startUpload(this.#exchange, repository, options);
  }

  /**
   * Sends a whole blob and ends its upload. Not retried: a new attempt needs a new session and a
   * new body.
   */
  putBlob(
    session: UploadSession,
    descriptor: BlobDescriptor,
    body: AsyncIterable<Uint8Array>,
    options?: CallOptions,
  ): Promise<void> {
    return putBlob(this.#exchange, session, { ...descriptor, body }, options);
  }

  /** Sends a piece of a blob; continue with the returned session. */
  patchBlob(
    session: UploadSession,
    piece: { offset: number; size: number },
    body: AsyncIterable<Uint8Array>,
    options?: CallOptions,
  ): Promise<UploadSession> {
    return patchBlob(this.#exchange, session, { ...piece, body }, options);
  }

  /** Ends an upload whose pieces are all there. */
  finishUpload(session: UploadSession, digest: Digest, options?: CallOptions): Promise<void> {
    return finishUpload(this.#exchange, session, digest, options);
  }

  /** Gives an upload up; best effort. */
  cancelUpload(session: UploadSession, options?: CallOptions): Promise<void> {
    return cancelUpload(this.#exchange, session, options);
  }

  /** All tags of a repository. */
  listTags(repository: string, options?: ListOptions): AsyncIterable<string> {
    return listTags(this.#exchange, repository, options);
  }

  /**
   * All tags of a repository, each with its digest if the registry lists it: in `tags/list`, or by
   * an API of its own (`tagApi`). Quay's may leave a tag out if others are moved or deleted while
   * it is read: ask for a tag before you conclude from its absence that it was deleted.
   */
  listTagsWithDigests(repository: string, options?: CallOptions): AsyncIterable<ListedTag> {
    return this.#tagLists.list(repository, options);
  }

  /** All repositories of the registry, if it lists them. */
  listRepositories(options?: ListOptions): AsyncIterable<string> {
    return listRepositories(this.#exchange, options);
  }

  /** The manifests that refer to a manifest: signatures and the like. */
  referrers(repository: string, digest: Digest, options?: CallOptions): Promise<Descriptor[]> {
    return listReferrers(this.#exchange, repository, digest, options);
  }

  /** Closes the client's own connections at once, including those in use. */
  async close(): Promise<void> {
    await this.#connections.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
