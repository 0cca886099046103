import {
  ECRClient,
  type ECRClientConfig,
  GetAccountSettingCommand,
  PutAccountSettingCommand,
} from '@aws-sdk/client-ecr';
import type { CallOptions } from '../../copy/ports.ts';
import { timeouts } from '../connection.ts';

/**
 * Turns on the mounting of blobs in the account's ECR registry of a region: what one repository
 * holds is then made available in another without a transfer. The setting is the registry's, off
 * until somebody enables it, and no CloudFormation type has it.
 * https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutAccountSetting.html
 *
 * @param config endpoint, region and credentials; by default from the environment.
 * @returns whether it had been off.
 * @throws ECRServiceException, or what the connection failed with.
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
