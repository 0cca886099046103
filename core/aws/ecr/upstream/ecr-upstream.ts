import type { ECRClient } from '@aws-sdk/client-ecr';
import type { STSClientConfig } from '@aws-sdk/client-sts';
import type { CallOptions } from '../../../copy/ports.ts';
import type { PasswordLogin } from '../../../registry/auth/credentials.ts';
import type { EcrHost } from '../../../registry/known-registries.ts';
import type { TagApi } from '../../../registry/listings/tag-api.ts';
import type { ListedTag } from '../../../registry/operations/lists/tags.ts';
import { authorizationToken } from '../authorization-token.ts';
import { called, type EcrClientConfig, ecrClient, endpointOf } from '../call.ts';
import { EcrTags } from './list-tags.ts';
import { roleCredentials } from './role-credentials.ts';

export interface EcrUpstreamOptions {
  /** Of another account, or of this one: what may pull from the upstream. */
  roleArn: string;
  /** Endpoint and retries of the ECR API; by default those of the registry’s region. */
  ecr?: EcrClientConfig;
  /** Endpoint, region and credentials of STS; by default from the environment. */
  sts?: STSClientConfig;
}

/**
 * A private ECR registry that images come from, used through a role. The role needs
 * `ecr:GetAuthorizationToken`, and for the repositories `ecr:BatchGetImage`,
 * `ecr:GetDownloadUrlForLayer` and `ecr:ListImages`.
 */
export class EcrUpstream implements TagApi {
  readonly #ecr: ECRClient;
  readonly #host: EcrHost;
  readonly #tags: EcrTags;

  constructor(host: EcrHost, { roleArn, ecr = {}, sts = {} }: EcrUpstreamOptions) {
    this.#host = host;
    this.#ecr = ecrClient({
      side: 'upstream',
      ...endpointOf(host),
      credentials: roleCredentials(roleArn, sts),
      ...ecr,
    });
    this.#tags = new EcrTags(this.#ecr, host, 'upstream');
  }

  /**
   * A login for the registry, valid for twelve hours.
   *
   * @throws RoleError; RegistryError from the API
   */
  async login({ signal }: CallOptions = {}): Promise<PasswordLogin> {
    const call = {
      operation: 'GetAuthorizationToken',
      registry: this.#host.registry,
      side: 'upstream' as const,
    };
    const { login } = await called(call, () => authorizationToken(this.#ecr, { signal }), { signal });
    return login;
  }

  /** All tags of a repository, with their digests. @throws RoleError; RegistryError */
  async list(repository: string, options?: CallOptions): Promise<AsyncIterable<ListedTag>> {
    return this.#tags.list(repository, options);
  }
}
