import {
  DeleteLifecyclePolicyCommand,
  DeleteRepositoryPolicyCommand,
  type ECRClient,
  type ImageTagMutability,
  LifecyclePolicyNotFoundException,
  PutImageScanningConfigurationCommand,
  PutImageTagMutabilityCommand,
  PutLifecyclePolicyCommand,
  RepositoryPolicyNotFoundException,
  SetRepositoryPolicyCommand,
  TagResourceCommand,
} from '@aws-sdk/client-ecr';
import type { CallOptions } from '../../../copy/ports.ts';
import type { SettingChange } from '../../../repository-settings/settings.ts';
import { called } from '../call.ts';
import { exclusionFilters } from './exclusion-filters.ts';
import { isCausedBy } from './read-settings.ts';

/** A repository to change. */
export interface ChangedRepository {
  repositoryName: string;
  arn: string;
}

/**
 * Makes one change to a repository's settings. A policy that somebody else has deleted meanwhile is
 * deleted, as we wanted.
 *
 * @throws RegistryError
 */
export async function changeSetting(
  ecr: ECRClient,
  { repositoryName, arn }: ChangedRepository,
  change: SettingChange,
  { signal }: CallOptions = {},
): Promise<void> {
  const call = async (operation: string, send: () => Promise<unknown>) => {
    await called({ operation, registry: repositoryName }, send, { signal });
  };
  const abort = { abortSignal: signal };
  switch (change.setting) {
    case 'scanOnPush': {
      const imageScanningConfiguration = { scanOnPush: change.scanOnPush };
      const command = new PutImageScanningConfigurationCommand({
        repositoryName,
        imageScanningConfiguration,
      });
      return await call('PutImageScanningConfiguration', () => ecr.send(command, abort));
    }
    case 'immutableTags': {
      const { setting, except } = change.mutability;
      const command = new PutImageTagMutabilityCommand({
        repositoryName,
        imageTagMutability: setting as ImageTagMutability,
        ...exclusionFilters(except),
      });
      return await call('PutImageTagMutability', () => ecr.send(command, abort));
    }
    case 'pulls': {
      const { policy: policyText } = change;
      if (policyText !== undefined) {
        const command = new SetRepositoryPolicyCommand({ repositoryName, policyText });
        return await call('SetRepositoryPolicy', () => ecr.send(command, abort));
      }
      const command = new DeleteRepositoryPolicyCommand({ repositoryName });
      return await call('DeleteRepositoryPolicy', () => ecr.send(command, abort)).catch((error) => {
        if (!isCausedBy(error, RepositoryPolicyNotFoundException)) throw error;
      });
    }
    case 'lifecycle': {
      const { policy: lifecyclePolicyText } = change;
      if (lifecyclePolicyText !== undefined) {
        const command = new PutLifecyclePolicyCommand({ repositoryName, lifecyclePolicyText });
        return await call('PutLifecyclePolicy', () => ecr.send(command, abort));
      }
      const command = new DeleteLifecyclePolicyCommand({ repositoryName });
      return await call('DeleteLifecyclePolicy', () => ecr.send(command, abort)).catch((error) => {
        if (!isCausedBy(error, LifecyclePolicyNotFoundException)) throw error;
      });
    }
    case 'tags': {
      const tags = Object.entries(change.tags).map(([Key, Value]) => ({ Key, Value }));
      const command = new TagResourceCommand({ resourceArn: arn, tags });
      return await call('TagResource', () => ecr.send(command, abort));
    }
  }
}
