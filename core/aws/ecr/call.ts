import { ECRClient, type ECRClientConfig, ECRServiceException } from '@aws-sdk/client-ecr';
import type { CallOptions } from '../../copy/ports.ts';
import { RegistryError, type Side } from '../../registry/errors.ts';
import type { EcrHost } from '../../registry/known-registries.ts';
import { isConnectionFailure, timeouts } from '../connection.ts';

/** How to call the ECR API. */
export interface EcrClientConfig extends ECRClientConfig {
  /**
   * Is told of each request, those that the SDK retries included. A throttled one has status 429.
   */
  onRequest?: ((info: { side: Side; status: number | undefined }) => void) | undefined;
  /** Whose API it is; by default, the mirror's. */
  side?: Side;
}

/**
 * A client that slows down while the API throttles it, and retries.
 *
 * @param config what differs; by default, endpoint, region and credentials are the environment's
 */
export function ecrClient({ onRequest, side = 'mirror', ...config }: EcrClientConfig = {}): ECRClient {
  const client = new ECRClient({
    maxAttempts: 5,
    retryMode: 'adaptive',
    requestHandler: timeouts(10_000),
    ...config,
  });
  if (onRequest) tellRequests(client, (status) => onRequest({ side, status }));
  return client;
}

/** This step of the SDK is done once for each attempt: it is below the one that retries. */
function tellRequests(client: ECRClient, tell: (status: number | undefined) => void): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      try {
        const answered = await next(args);
        tell(200);
        return answered;
      } catch (error) {
        if (error instanceof ECRServiceException)
          tell(isThrottled(error) ? 429 : error.$metadata.httpStatusCode);
        else tell(undefined);
        throw error;
      }
    },
    { step: 'deserialize', priority: 'high', name: 'tellRequests' },
  );
}

/** ECR answers 400 to what it throttles: only the error's name says it. */
function isThrottled({ name }: ECRServiceException): boolean {
  return /Throttl|TooManyRequests|LimitExceeded/.test(name) && name !== 'LimitExceededException';
}

/** The endpoint of the API that belongs to a registry's host. */
export function endpointOf({ region, fips, dualstack }: EcrHost): ECRClientConfig {
  return {
    ...(region !== undefined && { region }),
    useFipsEndpoint: fips,
    useDualstackEndpoint: dualstack,
  };
}

/** What an error from the ECR API names. */
export interface EcrCall {
  /** Such as `CreateRepository`. */
  operation: string;
  /** A registry, or a repository in it. */
  registry: string;
  /** By default, the mirror's. */
  side?: Side;
}

/**
 * Calls the ECR API and turns its errors into errors of its side. A cancelled call throws
 * its signal's reason.
 */
export async function called<T>(
  { operation, registry, side = 'mirror' }: EcrCall,
  call: () => Promise<T>,
  options?: CallOptions,
): Promise<T> {
  options?.signal?.throwIfAborted();
  try {
    return await call();
  } catch (error) {
    options?.signal?.throwIfAborted();
    if (error instanceof Error && isConnectionFailure(error)) {
      throw new RegistryError(
        { side, registry, operation },
        { code: 'CONNECTION', reason: error.message, temporary: true, cause: error },
      );
    }
    if (!(error instanceof ECRServiceException)) throw error;
    const status = error.$metadata.httpStatusCode;
    throw new RegistryError(
      { side, registry, operation },
      {
        status,
        code: error.name,
        reason: error.message,
        remedy: remedyFor(error.name, side) ?? 'see the Amazon ECR API reference for this error',
        temporary: error.$fault === 'server' || isThrottled(error),
        cause: error,
      },
    );
  }
}

function remedyFor(name: string, side: Side): string | undefined {
  if (side === 'mirror') return remedies[name];
  return name === 'AccessDeniedException'
    ? 'the role of the upstream’s credentials needs this permission on the repository'
    : undefined;
}

const remedies: Record<string, string> = {
  AccessDeniedException:
    'the mirror function needs this permission on the repositories of the prefix: deploy the stack again',
  LimitExceededException: 'raise the ECR quota of the account, or mirror fewer repositories',
  KmsException:
    'the key in mirror.repository.encryption.kmsKey must exist and let the mirror function use it',
  InvalidParameterException: 'check mirror.repositoryPrefix and the settings under mirror.repository',
};
