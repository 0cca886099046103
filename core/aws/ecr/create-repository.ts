import { CreateRepositoryCommand, RepositoryAlreadyExistsException } from '@aws-sdk/client-ecr';
import type { MirrorConfig } from '../../config/config.ts';
import type { CallOptions } from '../../copy/ports.ts';
import { RegistryError } from '../../registry/errors.ts';
import type { EcrAccess, EcrName } from './access.ts';
import { called } from './call.ts';

/**
 * Creates a repository with the settings of mirror.yaml; one that already exists stays as it is.
 */
export async function createRepository(
  access: Pick<EcrAccess, 'ecr' | 'settings'>,
  repository: EcrName,
  options?: CallOptions,
): Promise<void> {
  const { scanOnPush, encryption, immutableTags } = access.settings;
  try {
    await called(
      { operation: 'CreateRepository', registry: repository.name },
      () =>
        access.ecr.send(
          new CreateRepositoryCommand({
            repositoryName: repository.repositoryName,
            imageScanningConfiguration: { scanOnPush },
            imageTagMutability: mutability(immutableTags),
            ...(typeof immutableTags === 'object'
              ? {
                  imageTagMutabilityExclusionFilters: immutableTags.except.map((filter) => ({
                    filterType: 'WILDCARD' as const,
                    filter,
                  })),
                }
              : {}),
            encryptionConfiguration: {
              encryptionType: encryption.type,
              ...(encryption.type === 'KMS' ? { kmsKey: encryption.kmsKey } : {}),
            },
          }),
          { abortSignal: options?.signal },
        ),
      options,
    );
  } catch (error) {
    // Another worker was faster: the repository exists, as we wanted.
    if (!(error instanceof RegistryError && error.cause instanceof RepositoryAlreadyExistsException))
      throw error;
  }
}

function mutability(immutable: MirrorConfig['repository']['immutableTags']) {
  if (immutable === false) return 'MUTABLE';
  return immutable === true ? 'IMMUTABLE' : 'IMMUTABLE_WITH_EXCLUSION';
}
