import { CertificatesError, readCertificates } from '../../core/config/certificates.ts';
import type { NetworkSettings, ProxySettings } from '../../core/registry/transport/network.ts';
import { CommandError } from './command-error.ts';

/**
 * How the user's commands reach registries and APIs: through the proxies in HTTPS_PROXY, HTTP_PROXY
 * and NO_PROXY, in upper or lower case, and with the certificate authorities of `caFile`, or else
 * of SSL_CERT_FILE, in addition to those that Node trusts.
 *
 * @throws CommandError for a proxy or a file that can't be used
 */
export function networkFrom(env: NodeJS.ProcessEnv, caFile?: string): NetworkSettings {
  const file = caFile ?? (env.SSL_CERT_FILE || undefined);
  return { proxy: proxyFrom(env), certificates: file === undefined ? undefined : certificatesOf(file) };
}

function proxyFrom(env: NodeJS.ProcessEnv): ProxySettings | undefined {
  const https = proxyUrl(env, 'HTTPS_PROXY');
  const http = proxyUrl(env, 'HTTP_PROXY');
  if (https === undefined && http === undefined) return undefined;
  return { https, http, noProxy: env.no_proxy || env.NO_PROXY };
}

/** As curl and Go do, a host without a scheme is a proxy that speaks HTTP. */
function proxyUrl(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const lower = name.toLowerCase();
  const [variable, value] = env[lower] ? [lower, env[lower]] : [name, env[name]];
  if (value === undefined || value === '') return undefined;
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`);
  const isProxy = url && (url.protocol === 'http:' || url.protocol === 'https:') && url.hostname !== '';
  if (isProxy && isDecodable(url)) return url.href;
  // Not shown: it may hold a password.
  throw new CommandError(
    `${variable} is not a proxy URL`,
    `write, for example, ${variable}=http://proxy.example:3128 (a % in a password is written %25), or unset it`,
  );
}

/** User and password are percent-encoded in a URL. */
function isDecodable({ username, password }: URL): boolean {
  try {
    decodeURIComponent(`${username}${password}`);
    return true;
  } catch {
    return false;
  }
}

function certificatesOf(file: string): string {
  try {
    return readCertificates(file);
  } catch (error) {
    if (!(error instanceof CertificatesError)) throw error;
    throw new CommandError(error.message, 'name a PEM file with --ca-file, or in SSL_CERT_FILE');
  }
}
