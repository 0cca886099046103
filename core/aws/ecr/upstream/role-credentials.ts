import {
  AssumeRoleCommand,
  type Credentials,
  STSClient,
  type STSClientConfig,
  STSServiceException,
} from '@aws-sdk/client-sts';
import { DrayageError, type Retry } from '../../../errors.ts';
import { isConnectionFailure, timeouts } from '../../connection.ts';

/** Temporary credentials, as the clients of the AWS SDK take them. */
interface RoleCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
  /** The client asks again some minutes before. */
  expiration: Date;
}

/** A role could not be assumed. */
export class RoleError extends DrayageError {
  override readonly name = 'RoleError';
  /** `ROLE_REFUSED`: a policy must change. `ROLE_UNAVAILABLE`: STS can't be reached now. */
  readonly code: 'ROLE_REFUSED' | 'ROLE_UNAVAILABLE';
  readonly side = 'upstream';
  readonly remedy: string;
  readonly retry: Retry;

  constructor(roleArn: string, cause: Error, { isTemporary }: { isTemporary: boolean }) {
    super(`the role ${roleArn} can’t be assumed: ${cause.message || cause.name}`, { cause });
    this.code = isTemporary ? 'ROLE_UNAVAILABLE' : 'ROLE_REFUSED';
    this.retry = { kind: isTemporary ? 'backoff' : 'never' };
    this.remedy = isTemporary
      ? 'STS is unreachable or busy: wait, and check the function’s network'
      : 'let the role’s trust policy name the account of the mirror, and check that the role exists';
  }
}

/**
 * Provides the credentials of a role in another account, which the functions assume.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
 *
 * @param config endpoint, region and credentials; by default from the environment
 * @returns a provider that throws RoleError
 */
export function roleCredentials(
  roleArn: string,
  config: STSClientConfig = {},
): () => Promise<RoleCredentials> {
  const sts = new STSClient({ requestHandler: timeouts(5_000), ...config });
  const input = { RoleArn: roleArn, RoleSessionName: 'drayage' };
  return async () => {
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = await assume();
    if (!AccessKeyId || !SecretAccessKey || !SessionToken || !Expiration)
      throw new Error('AssumeRole returned no credentials');
    return {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
      expiration: Expiration,
    };
  };

  async function assume(): Promise<Partial<Credentials>> {
    try {
      return (await sts.send(new AssumeRoleCommand(input))).Credentials ?? {};
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const isService = error instanceof STSServiceException;
      if (!isService && !isConnectionFailure(error)) throw error;
      const isTemporary = !isService || error.$fault === 'server' || /Throttl/.test(error.name);
      throw new RoleError(roleArn, error, { isTemporary });
    }
  }
}
