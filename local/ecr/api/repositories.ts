import * as z from 'zod';
import { tellDeletedRepository } from '../events.ts';
import type { RegistryContext } from '../registry-context.ts';
import { defaultSettings, type Repository, type RepositorySettings } from '../repository.ts';
import { ApiError, invalidParameter } from './errors.ts';
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

/** The most exclusion filters of a repository. */
const maxFilters = 5;

const creation = z.object({
  ...repositoryInput,
  tags: z.array(z.object({ Key: z.string(), Value: z.string() })).optional(),
  imageTagMutability: z
    .enum(['MUTABLE', 'IMMUTABLE', 'IMMUTABLE_WITH_EXCLUSION', 'MUTABLE_WITH_EXCLUSION'])
    .optional(),
  imageTagMutabilityExclusionFilters: z
    .array(
      z.object({
        filterType: z.literal('WILDCARD'),
        filter: z
          .string()
          .min(1)
          .max(128)
          .regex(/^[0-9a-zA-Z._*-]+$/),
      }),
    )
    .optional(),
  imageScanningConfiguration: z.object({ scanOnPush: z.boolean().optional() }).optional(),
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
  const repository = await context.catalog.createRepository(input.repositoryName, settingsOf(input));
  if (repository !== undefined) return { repository: describe(context, repository) };
  throw new ApiError(
    'RepositoryAlreadyExistsException',
    `The repository with name '${input.repositoryName}' already exists in the registry with id '${context.accountId}'`,
  );
}

function settingsOf(input: z.output<typeof creation>): RepositorySettings {
  const mutability = input.imageTagMutability ?? defaultSettings.imageTagMutability;
  const filters = input.imageTagMutabilityExclusionFilters;
  const filtered = mutability.endsWith('_WITH_EXCLUSION');
  if (filtered !== (filters !== undefined && filters.length > 0)) {
    throw invalidParameter(
      'imageTagMutabilityExclusionFilters',
      filtered ? 'must be given with a setting with exclusion' : 'is only for settings with exclusion',
    );
  }
  if (filters !== undefined && filters.length > maxFilters) {
    throw invalidParameter(
      'imageTagMutabilityExclusionFilters',
      `Member must have length less than or equal to ${maxFilters}`,
    );
  }
  const encryption = input.encryptionConfiguration ?? defaultSettings.encryptionConfiguration;
  return {
    imageTagMutability: mutability,
    ...(filters === undefined || filters.length === 0 ? {} : { imageTagMutabilityExclusionFilters: filters }),
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
    repositoryArn: `arn:aws:ecr:${context.region}:${context.accountId}:repository/${name}`,
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
