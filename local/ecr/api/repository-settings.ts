import * as z from 'zod';
import type { RegistryContext } from '../registry-context.ts';
import { defaultSettings, type RepositorySettings } from '../repository.ts';
import { invalidParameter } from './errors.ts';
import { parseInput, repositoryInput, requireRepository } from './input.ts';

/** The most exclusion filters of a repository. */
const maxFilters = 5;

/** Which tags may move. */
export const mutabilityInput = {
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
};

export const scanningInput = z.object({ scanOnPush: z.boolean().optional() });

type MutabilityInput = z.output<z.ZodObject<typeof mutabilityInput>>;

/** @throws ApiError if the filters don't fit the setting */
export function mutabilityOf(
  input: MutabilityInput,
): Pick<RepositorySettings, 'imageTagMutability' | 'imageTagMutabilityExclusionFilters'> {
  const imageTagMutability = input.imageTagMutability ?? defaultSettings.imageTagMutability;
  const filters = input.imageTagMutabilityExclusionFilters;
  const filtered = imageTagMutability.endsWith('_WITH_EXCLUSION');
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
  return {
    imageTagMutability,
    ...(filters === undefined || filters.length === 0 ? {} : { imageTagMutabilityExclusionFilters: filters }),
  };
}

/** PutImageTagMutability: replaces the setting together with its filters. */
export async function putImageTagMutability(context: RegistryContext, body: unknown): Promise<unknown> {
  const input = parseInput(
    z.object({
      ...repositoryInput,
      ...mutabilityInput,
      imageTagMutability: mutabilityInput.imageTagMutability.unwrap(),
    }),
    body,
  );
  const repository = requireRepository(context, input);
  const mutability = mutabilityOf(input);
  await context.catalog.changeRepository(repository, ({ settings, extras }) => {
    const { imageTagMutabilityExclusionFilters: _, ...others } = settings;
    return { settings: { ...others, ...mutability }, extras };
  });
  return { registryId: context.accountId, repositoryName: repository.name, ...mutability };
}

/** PutImageScanningConfiguration. */
export async function putImageScanningConfiguration(
  context: RegistryContext,
  body: unknown,
): Promise<unknown> {
  const input = parseInput(z.object({ ...repositoryInput, imageScanningConfiguration: scanningInput }), body);
  const repository = requireRepository(context, input);
  const imageScanningConfiguration = { scanOnPush: input.imageScanningConfiguration.scanOnPush ?? false };
  await context.catalog.changeRepository(repository, ({ settings, extras }) => ({
    settings: { ...settings, imageScanningConfiguration },
    extras,
  }));
  return { registryId: context.accountId, repositoryName: repository.name, imageScanningConfiguration };
}
