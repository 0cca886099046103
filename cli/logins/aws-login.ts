import type { CredentialSource } from '../../core/registry/auth/credentials.ts';
import { ecrHostOf } from '../../core/registry/known-registries.ts';
import { redactText } from '../../core/registry/transport/redact.ts';
import { LoginError } from './login-error.ts';

/** The ECR registry with this name, or one of `drayage local` if the environment says so. */
export function ecrOf(registry: string, env: NodeJS.ProcessEnv) {
  return ecrHostOf(registry, env.AWS_ENDPOINT_URL_ECR || env.AWS_ENDPOINT_URL);
}

/**
 * The logins of one source; for an ECR registry without one, a login with the available AWS
 * credentials.
 */
export function withAwsLogin(
  logins: CredentialSource,
  registry: string,
  options: { env: NodeJS.ProcessEnv; signal: AbortSignal },
): CredentialSource {
  const host = ecrOf(registry, options.env);
  if (!host) return logins;
  return async (asked) => {
    const login = await logins(asked);
    if (login !== undefined) return login;
    // Loaded only here: the AWS SDK takes longer to load than a small copy takes.
    const { ecrLogin } = await import('../../core/aws/ecr/login.ts');
    try {
      return await ecrLogin(host, { signal: options.signal });
    } catch (error) {
      options.signal.throwIfAborted();
      // https://github.com/smithy-lang/smithy-typescript/tree/main/packages/property-provider
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      if (name === 'CredentialsProviderError') return undefined;
      throw new LoginError(
        `AWS returned no login for ${registry}: ${name}: ${redactText(message)}`,
        'check the credentials: aws sts get-caller-identity; they need ecr:GetAuthorizationToken',
      );
    }
  };
}
