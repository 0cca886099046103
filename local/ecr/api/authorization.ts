import { tokenLifetime } from '../ecr-password.ts';
import type { RegistryContext } from '../registry-context.ts';

/** GetAuthorizationToken: Basic credentials for the registry protocol, and where it is spoken. */
export async function getAuthorizationToken(context: RegistryContext): Promise<unknown> {
  return {
    authorizationData: [
      {
        authorizationToken: Buffer.from(`AWS:${context.password.current}`).toString('base64'),
        expiresAt: (Date.now() + tokenLifetime) / 1000,
        proxyEndpoint: `http://${context.host}`,
      },
    ],
  };
}
