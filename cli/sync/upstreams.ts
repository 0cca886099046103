import type { Config, NetworkConfig, Upstream } from '../../core/config/config.ts';
import type { CredentialSource } from '../../core/registry/auth/credentials.ts';
import { RegistryClient, type RegistryClientOptions } from '../../core/registry/client.ts';
import type { NetworkSettings } from '../../core/registry/transport/network.ts';
import { timeoutsFor } from '../../core/registry/transport/transport.ts';
import { withAwsLogin } from '../logins/aws-login.ts';
import { loginSource } from '../logins/login-source.ts';
import { CommandError } from '../shared/command-error.ts';
import { networkFrom } from '../shared/network.ts';
import { readSecrets, secretsForm } from '../shared/read-secrets.ts';
import type { SyncFlags } from './flags.ts';

/** The upstreams' clients, by registry. */
export type Upstreams = ReadonlyMap<string, RegistryClient>;

/**
 * Opens a client for each upstream, with its settings in the configuration. Nothing is sent yet.
 *
 * @param more further settings of an upstream's client
 * @throws CommandError for a proxy, a certificate file or a file of secrets that can't be used
 */
export function openUpstreams(
  config: Config,
  { secrets: file, caFile }: Pick<SyncFlags, 'secrets' | 'caFile'>,
  signal: AbortSignal,
  more: (upstream: Upstream) => Pick<RegistryClientOptions, 'onRequest' | 'tagApi'> = () => ({}),
): Upstreams {
  const network = upstreamNetwork(config.network, networkFrom(process.env, caFile));
  const secrets = file === undefined ? undefined : { file, values: readSecrets(file) };
  const logins = config.upstreams.map((upstream) =>
    secrets === undefined || isByRole(upstream) ? ownLogins(upstream, signal) : loginOf(upstream, secrets),
  );
  return new Map(
    config.upstreams.map((upstream, index) => {
      const { registry, endpoint, authHosts, redirectHosts, timeoutSeconds } = upstream;
      const credentials = logins[index];
      const client = new RegistryClient({
        registry,
        endpoint,
        authHosts,
        redirectHosts,
        network,
        side: 'upstream',
        ...(timeoutSeconds !== undefined && { timeouts: timeoutsFor(timeoutSeconds * 1000) }),
        ...(credentials && { credentials }),
        ...more(upstream),
      });
      return [registry, client];
    }),
  );
}

/**
 * What the configuration says of the network comes before what the environment says; authorities
 * add up.
 */
function upstreamNetwork(configured: NetworkConfig | undefined, own: NetworkSettings): NetworkSettings {
  const { proxy, noProxy, certificates } = configured ?? {};
  const all = [certificates, own.certificates].filter((pem) => pem !== undefined);
  return {
    proxy: proxy === undefined ? own.proxy : { http: proxy, https: proxy, noProxy: noProxy?.join(',') },
    certificates: all.length === 0 ? undefined : all.join('\n'),
  };
}

/** The functions assume a role for it. Here, this user's own AWS credentials log in. */
function isByRole({ credentials }: Upstream): boolean {
  return credentials !== undefined && 'roleArn' in credentials;
}

/**
 * This user's logins. One for a part of the registry (`quay.io/acme`) counts if all rules are below
 * it.
 */
function ownLogins({ registry, repositories }: Upstream, signal: AbortSignal): CredentialSource {
  const options = { env: process.env, signal };
  const repository = commonPath(repositories.map(({ match }) => match));
  return withAwsLogin(loginSource({ registry, repository }, options), registry, options);
}

/**
 * The path that all patterns have in front, in whole components: `acme` of `acme/shop` and
 * `acme/**`.
 */
export function commonPath(patterns: readonly string[]): string {
  const paths = patterns.map((pattern) => {
    const parts = pattern.split('/');
    const wild = parts.findIndex((part) => /[*?]/.test(part));
    return wild < 0 ? parts : parts.slice(0, wild);
  });
  const [first = [], ...others] = paths;
  const end = first.findIndex((part, at) => others.some((path) => path[at] !== part));
  return (end < 0 ? first : first.slice(0, end)).join('/');
}

/** The login that the configuration names. */
function loginOf(
  { registry, credentials }: Upstream,
  { file, values }: { file: string; values: Record<string, object> },
): CredentialSource | undefined {
  if (credentials === undefined || !('secret' in credentials)) return undefined;
  const { secret } = credentials;
  const value = Object.hasOwn(values, secret) ? values[secret] : undefined;
  const { username, password } = (value ?? {}) as Record<string, unknown>;
  if (isText(username) && isText(password)) return async () => ({ username, password });
  throw new CommandError(
    value === undefined
      ? `--secrets ${file} has no secret ${secret}, which is the login for ${registry}`
      : `the secret ${secret} in --secrets ${file} has no text for username and password`,
    secretsForm,
  );
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
