import type { Config } from '../../core/config/config.ts';
import { mountablePlaces } from '../../core/jobs/mountable-layers.ts';
import type { Reference } from '../../core/oci/reference.ts';
import { mirrorRepository } from '../../core/policy/mirror-repository.ts';
import type { RegistryClient } from '../../core/registry/client.ts';
import type { EcrHost } from '../../core/registry/known-registries.ts';
import { openDestination } from '../copy/endpoints.ts';
import { ecrOf } from '../logins/aws-login.ts';
import { CommandError } from '../shared/command-error.ts';
import type { SyncFlags } from './flags.ts';

/** Where images are copied to. */
export interface SyncTarget {
  registry: string;
  /** What repositories begin with. */
  prefix: string;
  client: RegistryClient;
  /** The region, if the registry is Amazon ECR. */
  region: string | undefined;
  /** The repository for an upstream's. */
  repositoryFor(registry: string, repository: string): Pick<Reference, 'registry' | 'repository'>;
  /**
   * Whether images of an upstream may mount layers from a repository: see `mountablePlaces`.
   *
   * @param knowsLogins whether the configuration says which upstreams need a login. If this user's
   *   logins are used, every other upstream may be private.
   */
  mayMountFor(upstream: string, knowsLogins: boolean): (repository: string) => boolean;
  /**
   * Creates a repository when something is first written to it; undefined if the registry does so
   * by itself.
   */
  creatorOf(repository: string): (() => Promise<void>) | undefined;
}

/**
 * Opens the destination: the place that `--to` names, or the ECR registry of the configuration's
 * first region in the account of the AWS credentials.
 *
 * @throws CommandError where there are no usable AWS credentials for that
 */
export async function openTarget(
  config: Config,
  { to, dstPlainHttp, caFile }: Pick<SyncFlags, 'to' | 'dstPlainHttp' | 'caFile'>,
  signal: AbortSignal,
): Promise<SyncTarget> {
  const { mirror } = config;
  const registry = to?.registry ?? (await ownEcrRegistry(config, signal));
  const prefix = to?.prefix ?? mirror.repositoryPrefix;
  const placed: Config = { ...config, mirror: { ...mirror, repositoryPrefix: prefix } };
  const reached = {
    plainHttp: false,
    srcPlainHttp: false,
    dstPlainHttp,
    authHost: [],
    redirectHost: [],
    ...(caFile !== undefined && { caFile }),
  };
  const ecr = ecrOf(registry, process.env);
  return {
    registry,
    prefix,
    client: openDestination({ registry, repository: prefix }, reached, signal),
    region: ecr && (ecr.region ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? hub(config)),
    repositoryFor: (upstream, repository) => ({
      registry,
      repository: mirrorRepository(placed, upstream, repository),
    }),
    mayMountFor: (upstream, knowsLogins) => {
      const own = placed.upstreams.filter(({ registry }) => registry === upstream);
      return mountablePlaces(knowsLogins ? placed : { ...placed, upstreams: own }, upstream);
    },
    creatorOf: ecr ? repositoryCreators(ecr, config, signal) : () => undefined,
  };
}

/** The first region. */
function hub({ mirror }: Config): string {
  return mirror.regions[0] ?? '';
}

async function ownEcrRegistry(config: Config, signal: AbortSignal): Promise<string> {
  const { EcrRegistry } = await import('../../core/aws/ecr/registry.ts');
  const region = hub(config);
  const registry = new EcrRegistry(region, config.mirror.repository);
  try {
    return await registry.host({ signal });
  } catch (error) {
    if (signal.aborted) throw new Error('interrupted; nothing was copied', { cause: error });
    throw new CommandError(
      `which ECR registry to copy to is not known: ${reasonOf(error)}`,
      'check the AWS credentials: aws sts get-caller-identity; or name a registry: --to REGISTRY/PREFIX',
    );
  } finally {
    await registry.close();
  }
}

/** Why AWS did not say. The SDK's own words for the lack of credentials don't say what to do. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.name === 'CredentialsProviderError' ? 'there are no AWS credentials' : error.message;
}

/** Each repository is created once, with the settings of the configuration. */
function repositoryCreators(host: EcrHost, { mirror }: Config, signal: AbortSignal) {
  const created = new Map<string, Promise<void>>();
  const create = async (repository: string) => {
    const { createEcrRepository } = await import('../../core/aws/ecr/login.ts');
    try {
      await createEcrRepository(host, repository, { signal, settings: mirror.repository });
    } catch (error) {
      // The login may lack this permission, which does not matter if the repository exists.
      if ((error as { code?: unknown }).code !== 'AccessDeniedException') throw error;
    }
  };
  return (repository: string) => () => {
    const creating = created.get(repository) ?? create(repository);
    created.set(repository, creating);
    return creating;
  };
}
