import * as z from 'zod';
import { tellDeletedRepository } from '../events.ts';
import type { RegistryContext } from '../registry-context.ts';
import { defaultSettings, type Repository, type RepositorySettings } from '../repository.ts';
import { ApiError } from './errors.ts';
import {
  checkRepositoryName,
  pageInput,
  pageOf,
  parseInput,
  registryInput,
  repositoryInput,
  repositoryNotFound,
  requireRepository,
} from './input.ts';
import { mutabilityInput, mutabilityOf, scanningInput } from './repository-settings.ts';
import { arnOf, taggedWith, tagList } from './resource-tags.ts';

const creation = z.object({
  ...repositoryInput,
  ...mutabilityInput,
  tags: tagList.optional(),
  imageScanningConfiguration: scanningInput.optional(),
  encryptionConfiguration: z
    .object({
      encryptionType: z.enum(['AES256', 'KMS', 'KMS_DSSE']),
      kmsKey: z.string().min(1).max(2048).optional(),
    })
    .optional(),
});

/** CreateRepository. */
export async function createRepository(context: RegistryContext, body: unknown): Promise<unknown> {
  const input = parseInput(creation, body);
  checkRepositoryName(input.repositoryName);
  const repository = await context.catalog.createRepository(
    input.repositoryName,
    settingsOf(input),
    input.tags && { tags: taggedWith({}, input.tags) },
  );
  if (repository !== undefined) return { repository: describe(context, repository) };
  throw new ApiError(
    'RepositoryAlreadyExistsException',
    `The repository with name '${input.repositoryName}' already exists in the registry with id '${context.accountId}'`,
  );
}

function settingsOf(input: z.output<typeof creation>): RepositorySettings {
  const encryption = input.encryptionConfiguration ?? defaultSettings.encryptionConfiguration;
  return {
    ...mutabilityOf(input),
    imageScanningConfiguration: { scanOnPush: input.imageScanningConfiguration?.scanOnPush ?? false },
    encryptionConfiguration: {
      encryptionType: encryption.encryptionType,
      ...(encryption.kmsKey === undefined ? {} : { kmsKey: encryption.kmsKey }),
    },
  };
}

/** A repository in the API's words. */
function describe(
  context: RegistryContext,
  { name, createdAt, settings }: Repository,
): Record<string, unknown> {
  return {
    repositoryArn: arnOf(context, name),
    registryId: context.accountId,
    repositoryName: name,
    repositoryUri: `${context.host}/${name}`,
    createdAt: createdAt / 1000,
    ...settings,
  };
}

/** DescribeRepositories: the named ones, or all in pages. */
export async function describeRepositories(context: RegistryContext, body: unknown): Promise<unknown> {
  const input = parseInput(
    z.object({
      ...registryInput,
      ...pageInput,
      repositoryNames: z.array(z.string()).min(1).max(100).optional(),
    }),
    body,
  );
  if (input.repositoryNames === undefined) {
    const { page, nextToken } = pageOf(context.catalog.repositories(), ({ name }) => name, input);
    return { repositories: page.map((repository) => describe(context, repository)), nextToken };
  }
  const repositories = input.repositoryNames.map((name) => {
    checkRepositoryName(name);
    const repository = context.catalog.repository(name);
    if (repository === undefined) throw repositoryNotFound(context.accountId, name);
    return describe(context, repository);
  });
  return { repositories };
}

/** DeleteRepository: needs `force` if there are images. */
export async function deleteRepository(context: RegistryContext, body: unknown): Promise<unknown> {
  const input = parseInput(z.object({ ...repositoryInput, force: z.boolean().optional() }), body);
  const repository = requireRepository(context, input);
  if (repository.manifests.size > 0 && input.force !== true) {
    throw new ApiError(
      'RepositoryNotEmptyException',
      `The repository with name '${repository.name}' in registry with id '${context.accountId}' cannot be deleted because it still contains images`,
    );
  }
  await context.catalog.deleteRepository(repository);
  await context.uploads.discardOf(repository.name);
  tellDeletedRepository(context, repository.name, input.force === true);
  return { repository: describe(context, repository) };
}
