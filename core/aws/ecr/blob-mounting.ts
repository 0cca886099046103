import {
  ECRClient,
  type ECRClientConfig,
  GetAccountSettingCommand,
  PutAccountSettingCommand,
} from '@aws-sdk/client-ecr';
import type { CallOptions } from '../../copy/ports.ts';
import { timeouts } from '../connection.ts';

/**
 * Turns on the mounting of blobs in the account's ECR registry of a region: a blob that one
 * repository holds can then be made available in another without a transfer. It is a setting of the
 * registry, off by default, and no CloudFormation type supports it.
 * https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutAccountSetting.html
 *
 * @param config endpoint, region and credentials; by default from the environment.
 * @returns whether it was off.
 * @throws ECRServiceException, or a connection error.
 */
export async function enableBlobMounting(
  config: ECRClientConfig = {},
  options?: CallOptions,
): Promise<boolean> {
  const ecr = new ECRClient({ maxAttempts: 5, requestHandler: timeouts(5_000), ...config });
  const call = { abortSignal: options?.signal };
  try {
    const { value } = await ecr.send(new GetAccountSettingCommand({ name: 'BLOB_MOUNTING' }), call);
    if (value === 'ENABLED') return false;
    await ecr.send(new PutAccountSettingCommand({ name: 'BLOB_MOUNTING', value: 'ENABLED' }), call);
    return true;
  } finally {
    ecr.destroy();
  }
}
