import {
  CreateRepositoryCommand,
  type ImageTagMutability,
  RepositoryAlreadyExistsException,
} from '@aws-sdk/client-ecr';
import type { CallOptions } from '../../copy/ports.ts';
import { RegistryError } from '../../registry/errors.ts';
import { wantedMutability } from '../../repository-settings/compare-settings.ts';
import type { EcrAccess, EcrName } from './access.ts';
import { called } from './call.ts';
import { exclusionFilters } from './settings/exclusion-filters.ts';

/**
 * Creates a repository with the settings of mirror.yaml that ECR takes at creation; its policies
 * are set afterwards (`settings/keeper.ts`). One that already exists stays as it is.
 */
export async function createRepository(
  access: Pick<EcrAccess, 'ecr' | 'settings' | 'onCreated'>,
  repository: EcrName,
  options?: CallOptions,
): Promise<void> {
  const { scanOnPush, encryption, immutableTags, tags } = access.settings;
  const { setting, except } = wantedMutability(immutableTags);
  try {
    await called(
      { operation: 'CreateRepository', registry: repository.name },
      () =>
        access.ecr.send(
          new CreateRepositoryCommand({
            repositoryName: repository.repositoryName,
            imageScanningConfiguration: { scanOnPush },
            imageTagMutability: setting as ImageTagMutability,
            ...exclusionFilters(except),
            ...(tags && { tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) }),
            encryptionConfiguration: {
              encryptionType: encryption.type,
              ...(encryption.type === 'KMS' ? { kmsKey: encryption.kmsKey } : {}),
            },
          }),
          { abortSignal: options?.signal },
        ),
      options,
    );
    access.onCreated?.(repository.repositoryName);
  } catch (error) {
    // Another worker was faster: the repository exists, as we wanted.
    if (!(error instanceof RegistryError && error.cause instanceof RepositoryAlreadyExistsException))
      throw error;
  }
}
