import { tokenLifetime } from '../ecr-password.ts';
import type { HttpExchange } from '../http-exchange.ts';
import type { RegistryContext } from '../registry-context.ts';

/**
 * GetAuthorizationToken: Basic credentials for the registry protocol, and the registry's address as
 * the client reached it, so that clients behind a proxy keep using the proxy.
 */
export async function getAuthorizationToken(
  context: RegistryContext,
  _body: unknown,
  { origin }: HttpExchange,
): Promise<unknown> {
  return {
    authorizationData: [
      {
        authorizationToken: Buffer.from(`AWS:${context.password.current}`).toString('base64'),
        expiresAt: (Date.now() + tokenLifetime) / 1000,
        proxyEndpoint: origin,
      },
    ],
  };
}
