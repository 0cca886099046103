/** How to reach a registry that references name. */
export interface RegistryAddress {
  /** Base URL of the `/v2/` API. */
  endpoint: string;
  /** Hosts besides the endpoint's that credentials may be sent to. */
  authHosts: string[];
}

/**
 * Registries whose API or token service is on a host other than their name. All others have their
 * token realm on the registry's own host: ghcr.io, quay.io, public.ecr.aws, gcr.io and *.pkg.dev,
 * mcr.microsoft.com, *.azurecr.io, nvcr.io.
 */
const knownRegistries: Readonly<Record<string, RegistryAddress>> = {
  // https://distribution.github.io/distribution/spec/auth/token/
  'docker.io': { endpoint: 'https://registry-1.docker.io', authHosts: ['auth.docker.io'] },
  // https://docs.gitlab.com/administration/packages/container_registry/
  'registry.gitlab.com': { endpoint: 'https://registry.gitlab.com', authHosts: ['gitlab.com'] },
  // Realm https://docker-auth.elastic.co/auth
  'docker.elastic.co': { endpoint: 'https://docker.elastic.co', authHosts: ['docker-auth.elastic.co'] },
  // Realm https://api.digitalocean.com/v2/registry/auth
  'registry.digitalocean.com': {
    endpoint: 'https://registry.digitalocean.com',
    authHosts: ['api.digitalocean.com'],
  },
};

/** Private registries of Amazon ECR. https://docs.aws.amazon.com/general/latest/gr/ecr.html */
const privateEcr =
  /^\d{12}\.dkr[.-]ecr(-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|(on\.aws|on\.amazonwebservices\.com\.cn))$/;

/** A private ECR registry, and the endpoint of the API that belongs to its host. */
export interface EcrHost {
  /** As references name it. */
  registry: string;
  /** If undefined, the environment decides. */
  region: string | undefined;
  fips: boolean;
  dualstack: boolean;
}

/**
 * Reads an ECR registry's host; undefined for any other registry.
 *
 * @param apiEndpoint the URL that replaces the ECR API, if any (`AWS_ENDPOINT_URL_ECR`): the
 *   registry at its host is an ECR registry, too
 */
export function ecrHostOf(registry: string, apiEndpoint?: string): EcrHost | undefined {
  const match = privateEcr.exec(registry);
  if (match) {
    const [, fips, region, dualstack] = match;
    return { registry, region, fips: fips !== undefined, dualstack: dualstack !== undefined };
  }
  const isLocal = apiEndpoint !== undefined && URL.parse(apiEndpoint)?.host === registry;
  return isLocal ? { registry, region: undefined, fips: false, dualstack: false } : undefined;
}

/** Whether a registry is Amazon's, private or public. */
export function isEcr(registry: string): boolean {
  return privateEcr.test(registry) || registry === 'public.ecr.aws';
}

/**
 * Whether a registry answers 201 to a mount of a blob from the same repository if the blob is
 * there, so that no check is needed before an upload. Amazon ECR mounts only if the account has
 * enabled it. https://docs.aws.amazon.com/AmazonECR/latest/userguide/blob-mounting.html
 */
export function tellsPresence(registry: string): boolean {
  return !isEcr(registry);
}

/**
 * The address of a registry as in normalised references; an unknown one is `https://<registry>`.
 */
export function knownRegistry(registry: string): RegistryAddress {
  const known = Object.hasOwn(knownRegistries, registry) ? knownRegistries[registry] : undefined;
  return known
    ? { endpoint: known.endpoint, authHosts: [...known.authHosts] }
    : { endpoint: `https://${registry}`, authHosts: [] };
}
