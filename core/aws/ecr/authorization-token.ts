import { type ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import type { CallOptions } from '../../copy/ports.ts';
import type { PasswordLogin } from '../../registry/auth/credentials.ts';

/** A login for a private registry, and the registry's address. */
export interface AuthorizationToken {
  login: Required<PasswordLogin>;
  /** The registry of the caller's account, as a URL. */
  proxyEndpoint: string;
}

/** ECR's tokens are valid for 12 hours. */
const validMs = 12 * 3_600_000;

/**
 * A token for the registries that the caller may use.
 * https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
 *
 * @throws errors from the SDK
 */
export async function authorizationToken(
  ecr: ECRClient,
  { signal }: CallOptions = {},
): Promise<AuthorizationToken> {
  const { authorizationData } = await ecr.send(new GetAuthorizationTokenCommand({}), {
    abortSignal: signal,
  });
  const data = authorizationData?.[0];
  if (!data?.authorizationToken || !data.proxyEndpoint)
    throw new Error('GetAuthorizationToken returned no token or no proxyEndpoint');
  const decoded = Buffer.from(data.authorizationToken, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  if (colon <= 0) throw new Error('GetAuthorizationToken returned a token without a user name');
  return {
    login: {
      username: decoded.slice(0, colon),
      password: decoded.slice(colon + 1),
      expiresAt: data.expiresAt?.getTime() ?? Date.now() + validMs,
    },
    proxyEndpoint: data.proxyEndpoint,
  };
}
