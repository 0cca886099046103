import {
  DescribeRepositoriesCommand,
  type ECRClient,
  GetLifecyclePolicyCommand,
  GetRepositoryPolicyCommand,
  LifecyclePolicyNotFoundException,
  ListTagsForResourceCommand,
  RepositoryNotFoundException,
  RepositoryPolicyNotFoundException,
} from '@aws-sdk/client-ecr';
import type { CallOptions } from '../../../copy/ports.ts';
import { RegistryError } from '../../../registry/errors.ts';
import type { FoundSettings, KeptSettings, SettingName } from '../../../repository-settings/settings.ts';
import { called } from '../call.ts';

/** What a repository is like, and what could not be read. */
export interface ReadSettings {
  found: FoundSettings;
  failed: KeptSettings['failed'];
}

/** What to read besides what every repository has. */
export interface ReadOptions extends CallOptions {
  withTags: boolean;
}

/**
 * Reads the settings of a repository, with three calls side by side and a fourth for its tags.
 * Something that can't be read, such as for lack of a permission, does not keep the rest from
 * being read.
 *
 * @returns undefined if there is no such repository
 * @throws RegistryError if the repository itself can't be read
 */
export async function readSettings(
  ecr: ECRClient,
  repositoryName: string,
  { withTags, signal }: ReadOptions,
): Promise<ReadSettings | undefined> {
  const call = <T>(operation: string, send: () => Promise<T>) =>
    called({ operation, registry: repositoryName }, send, { signal });
  const abort = { abortSignal: signal };
  const failed: ReadSettings['failed'] = [];
  const reading = async (setting: SettingName, read: () => Promise<string | undefined>) => {
    try {
      return await read();
    } catch (error) {
      signal?.throwIfAborted();
      if (!isAbsent(error)) failed.push({ setting, error });
      return undefined;
    }
  };
  try {
    const [described, repositoryPolicy, lifecyclePolicy] = await Promise.all([
      call('DescribeRepositories', () =>
        ecr.send(new DescribeRepositoriesCommand({ repositoryNames: [repositoryName] }), abort),
      ),
      reading('pulls', async () => {
        const send = () => ecr.send(new GetRepositoryPolicyCommand({ repositoryName }), abort);
        return (await call('GetRepositoryPolicy', send)).policyText;
      }),
      reading('lifecycle', async () => {
        const send = () => ecr.send(new GetLifecyclePolicyCommand({ repositoryName }), abort);
        return (await call('GetLifecyclePolicy', send)).lifecyclePolicyText;
      }),
    ]);
    const [repository] = described.repositories ?? [];
    if (repository === undefined) return undefined;
    const arn = repository.repositoryArn ?? '';
    const tags: Record<string, string> = {};
    if (withTags)
      await reading('tags', async () => {
        const send = () => ecr.send(new ListTagsForResourceCommand({ resourceArn: arn }), abort);
        for (const { Key, Value } of (await call('ListTagsForResource', send)).tags ?? [])
          if (Key !== undefined) tags[Key] = Value ?? '';
        return undefined;
      });
    const { imageScanningConfiguration, encryptionConfiguration } = repository;
    const filters = repository.imageTagMutabilityExclusionFilters ?? [];
    const found: FoundSettings = {
      arn,
      scanOnPush: imageScanningConfiguration?.scanOnPush ?? false,
      mutability: {
        setting: repository.imageTagMutability ?? 'MUTABLE',
        except: filters.flatMap(({ filter }) => filter ?? []),
      },
      encryption: {
        type: encryptionConfiguration?.encryptionType ?? 'AES256',
        kmsKey: encryptionConfiguration?.kmsKey,
      },
      repositoryPolicy,
      lifecyclePolicy,
      tags,
    };
    return { found, failed };
  } catch (error) {
    if (isCausedBy(error, RepositoryNotFoundException)) return undefined;
    throw error;
  }
}

/** There is no such policy, or no repository, which DescribeRepositories says as well. */
function isAbsent(error: unknown): boolean {
  return (
    isCausedBy(error, RepositoryPolicyNotFoundException) ||
    isCausedBy(error, LifecyclePolicyNotFoundException) ||
    isCausedBy(error, RepositoryNotFoundException)
  );
}

/** Whether an error of the mirror comes from this exception. */
export function isCausedBy(error: unknown, exception: abstract new (...args: never[]) => Error): boolean {
  return error instanceof RegistryError && error.cause instanceof exception;
}
