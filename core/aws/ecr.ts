import {
  BatchCheckLayerAvailabilityCommand,
  CreateRepositoryCommand,
  ECRClient,
  ECRServiceException,
  GetAuthorizationTokenCommand,
  RepositoryAlreadyExistsException,
  RepositoryNotFoundException,
} from '@aws-sdk/client-ecr';
import type { MirrorConfig } from '../config/config.ts';
import { inParallel } from '../copy/in-parallel.ts';
import type { CallOptions } from '../copy/ports.ts';
import { RegistryRepository } from '../copy/registry-repository.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { RegistryClient } from '../registry/client.ts';
import { RegistryError } from '../registry/errors.ts';

/** A token is renewed when it lasts less than this. ECR's last 12 hours. */
const renewBeforeMs = 30 * 60_000;
/** BatchCheckLayerAvailability takes at most this many digests. */
const batchSize = 100;
/** Calls at once; the quota is 1,000 a second for the whole account. */
const batchConcurrency = 8;

/** The ECR registry of one region: its API for control, its distribution endpoint for data. */
export class EcrRegistry {
  readonly region: string;
  readonly #ecr: ECRClient;
  readonly #settings: MirrorConfig['repository'];
  #session: EcrSession | undefined;
  #opening: Promise<EcrSession> | undefined;

  constructor(region: string, settings: MirrorConfig['repository']) {
    this.region = region;
    this.#ecr = new ECRClient({ region, maxAttempts: 5, retryMode: 'adaptive' });
    this.#settings = settings;
  }

  /** The registry's host, as image references name it. */
  async host(): Promise<string> {
    return (await this.#open()).host;
  }

  /** One repository as a destination of copies; it is created when it is first needed. */
  async repository(name: string): Promise<EcrRepository> {
    const { client, host } = await this.#open();
    return new EcrRepository(client, host, name, this.#ecr, this.#settings);
  }

  async close(): Promise<void> {
    await this.#opening?.catch(() => undefined);
    await this.#session?.client.close();
    this.#ecr.destroy();
  }

  async #open(): Promise<EcrSession> {
    const open = this.#session;
    if (open && open.expiresAt - Date.now() > renewBeforeMs) return open;
    this.#opening ??= this.#authorize().finally(() => {
      this.#opening = undefined;
    });
    // The old session's client is left to the copies that still use it; idle connections close by themselves.
    this.#session = await this.#opening;
    return this.#session;
  }

  async #authorize(): Promise<EcrSession> {
    const { authorizationData } = await called('GetAuthorizationToken', `Amazon ECR in ${this.region}`, () =>
      this.#ecr.send(new GetAuthorizationTokenCommand({})),
    );
    const data = authorizationData?.[0];
    if (!data?.authorizationToken || !data.proxyEndpoint) {
      throw new Error('GetAuthorizationToken gave no token or no proxyEndpoint');
    }
    const decoded = Buffer.from(data.authorizationToken, 'base64').toString('utf8');
    const colon = decoded.indexOf(':');
    // The endpoint is taken as told and never built: partitions, FIPS and dual-stack have other hosts.
    const host = new URL(data.proxyEndpoint).host;
    const client = new RegistryClient({
      registry: host,
      endpoint: data.proxyEndpoint,
      side: 'mirror',
      credentials: async () => ({ username: decoded.slice(0, colon), password: decoded.slice(colon + 1) }),
    });
    return { client, host, expiresAt: data.expiresAt?.getTime() ?? Date.now() + 12 * 3600_000 };
  }
}

interface EcrSession {
  client: RegistryClient;
  host: string;
  expiresAt: number;
}

/** An ECR repository: asks for blobs a hundred at a time, and creates itself on first need. */
export class EcrRepository extends RegistryRepository {
  readonly #ecr: ECRClient;
  readonly #settings: MirrorConfig['repository'];

  constructor(
    client: RegistryClient,
    host: string,
    repository: string,
    ecr: ECRClient,
    settings: MirrorConfig['repository'],
  ) {
    super(client, host, repository);
    this.#ecr = ecr;
    this.#settings = settings;
  }

  override async presentBlobs(blobs: Descriptor[], options?: CallOptions): Promise<Set<Digest>> {
    const batches: Descriptor[][] = [];
    for (let start = 0; start < blobs.length; start += batchSize)
      batches.push(blobs.slice(start, start + batchSize));
    try {
      // Nothing to ask (an index without children), and still somebody has to create the repository.
      if (batches.length === 0) await this.#create(options);
      const present = await inParallel(
        batches,
        batchConcurrency,
        (batch, signal) => this.#check(batch, { signal }),
        options?.signal,
      );
      return new Set(present.flat());
    } catch (error) {
      if (!(error instanceof RegistryError && error.cause instanceof RepositoryNotFoundException))
        throw error;
      await this.#create(options);
      return new Set();
    }
  }

  async #check(batch: Descriptor[], options?: CallOptions): Promise<Digest[]> {
    const { layers = [], failures = [] } = await called(
      'BatchCheckLayerAvailability',
      this.name,
      () =>
        this.#ecr.send(
          new BatchCheckLayerAvailabilityCommand({
            repositoryName: this.repository,
            layerDigests: batch.map((blob) => blob.digest),
          }),
          { abortSignal: options?.signal },
        ),
      options,
    );
    const refused = failures.find((failure) => failure.failureCode !== 'MissingLayerDigest');
    if (refused) {
      throw new RegistryError(
        {
          side: 'mirror',
          registry: this.name,
          operation: 'BatchCheckLayerAvailability',
          reference: refused.layerDigest,
        },
        {
          code: refused.failureCode ?? 'UNKNOWN',
          reason: refused.failureReason ?? 'the digest was refused',
          remedy: 'Amazon ECR takes sha256 digests only',
        },
      );
    }
    // An ARCHIVED layer can't be pulled; pushing it again restores it. So only AVAILABLE counts.
    return layers.flatMap((layer) =>
      layer.layerAvailability === 'AVAILABLE' && layer.layerDigest ? [layer.layerDigest as Digest] : [],
    );
  }

  async #create(options?: CallOptions): Promise<void> {
    const { scanOnPush, encryption, immutableTags } = this.#settings;
    try {
      await called(
        'CreateRepository',
        this.name,
        () =>
          this.#ecr.send(
            new CreateRepositoryCommand({
              repositoryName: this.repository,
              imageScanningConfiguration: { scanOnPush },
              imageTagMutability: mutability(immutableTags),
              ...(typeof immutableTags === 'object'
                ? {
                    imageTagMutabilityExclusionFilters: immutableTags.except.map((filter) => ({
                      filterType: 'WILDCARD' as const,
                      filter,
                    })),
                  }
                : {}),
              encryptionConfiguration: {
                encryptionType: encryption.type,
                ...(encryption.type === 'KMS' ? { kmsKey: encryption.kmsKey } : {}),
              },
            }),
            { abortSignal: options?.signal },
          ),
        options,
      );
    } catch (error) {
      // Another worker was quicker: that is what we wanted.
      if (!(error instanceof RegistryError && error.cause instanceof RepositoryAlreadyExistsException))
        throw error;
    }
  }
}

function mutability(immutable: MirrorConfig['repository']['immutableTags']) {
  if (immutable === false) return 'MUTABLE';
  return immutable === true ? 'IMMUTABLE' : 'IMMUTABLE_WITH_EXCLUSION';
}

/** Calls the ECR API and turns its errors into those of the mirror's side; a cancelled call throws its signal's reason. */
async function called<T>(
  operation: string,
  registry: string,
  call: () => Promise<T>,
  options?: CallOptions,
): Promise<T> {
  options?.signal?.throwIfAborted();
  try {
    return await call();
  } catch (error) {
    options?.signal?.throwIfAborted();
    if (isConnectionFailure(error)) {
      throw new RegistryError(
        { side: 'mirror', registry, operation },
        { code: 'CONNECTION', reason: error.message, temporary: true, cause: error },
      );
    }
    if (!(error instanceof ECRServiceException)) throw error;
    const status = error.$metadata.httpStatusCode;
    const throttled = /Throttl|TooManyRequests|LimitExceeded/.test(error.name);
    throw new RegistryError(
      { side: 'mirror', registry, operation },
      {
        status,
        code: error.name,
        reason: error.message,
        remedy: remedies[error.name] ?? 'see the Amazon ECR API reference for this error',
        temporary: error.$fault === 'server' || (throttled && error.name !== 'LimitExceededException'),
        cause: error,
      },
    );
  }
}

/** The API was not reached, or went silent: by the codes of Node's sockets, or the SDK's own TimeoutError. */
function isConnectionFailure(error: unknown): error is Error {
  if (!(error instanceof Error) || error instanceof ECRServiceException) return false;
  const code = 'code' in error ? String(error.code) : '';
  return error.name === 'TimeoutError' || /^E[A-Z_]+$/.test(code);
}

const remedies: Record<string, string> = {
  AccessDeniedException:
    'the mirror function needs this permission on the repositories of the prefix: deploy the stack again',
  LimitExceededException: 'raise the ECR quota of the account, or mirror fewer repositories',
  KmsException:
    'the key in mirror.repository.encryption.kmsKey must exist and let the mirror function use it',
  InvalidParameterException: 'check mirror.repositoryPrefix and the settings under mirror.repository',
};
