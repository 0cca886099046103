import { ECRClient } from '@aws-sdk/client-ecr';
import type { RepositorySettings } from '../../config/config.ts';
import type { PasswordLogin } from '../../registry/auth/credentials.ts';
import type { EcrHost } from '../../registry/known-registries.ts';
import { timeouts } from '../connection.ts';
import { authorizationToken } from './authorization-token.ts';
import { endpointOf } from './call.ts';
import { createRepository } from './create-repository.ts';

export interface EcrLoginOptions {
  signal?: AbortSignal | undefined;
}

/** A repository with ECR's defaults. */
const plainSettings: RepositorySettings = {
  scanOnPush: false,
  encryption: { type: 'AES256' },
  immutableTags: false,
  pullAccounts: [],
  organizations: [],
  lifecycle: [],
};

/**
 * A login for a private ECR registry, with the credentials that the AWS SDK finds (environment,
 * profiles, SSO, instance and container roles:
 * https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html).
 *
 * @throws errors from the SDK: CredentialsProviderError if it finds no credentials
 */
export async function ecrLogin(host: EcrHost, { signal }: EcrLoginOptions = {}): Promise<PasswordLogin> {
  const ecr = clientOf(host);
  try {
    return (await authorizationToken(ecr, { signal })).login;
  } finally {
    ecr.destroy();
  }
}

export interface CreateEcrRepositoryOptions extends EcrLoginOptions {
  /** By default, ECR's own. */
  settings?: RepositorySettings | undefined;
}

/**
 * Creates a repository in a private ECR registry; an existing one stays as it is.
 *
 * @throws RegistryError from the API
 */
export async function createEcrRepository(
  host: EcrHost,
  repositoryName: string,
  { signal, settings = plainSettings }: CreateEcrRepositoryOptions = {},
): Promise<void> {
  const ecr = clientOf(host);
  try {
    const name = `${host.registry}/${repositoryName}`;
    await createRepository({ ecr, settings }, { name, repositoryName }, { signal });
  } finally {
    ecr.destroy();
  }
}

function clientOf(host: EcrHost): ECRClient {
  return new ECRClient({ ...endpointOf(host), requestHandler: timeouts(10_000) });
}
