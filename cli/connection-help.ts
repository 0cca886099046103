/** What is known of a connection that failed. */
export interface FailedConnection {
  /** Where it was to lead: `registry.example:5000`. */
  host: string;
  /** `http:` or `https:` */
  protocol: string;
  /** How to speak HTTP instead, where there is a way. */
  plainHttp?: string | undefined;
  /** Whether the command takes `--ca-file` and `--timeout`. */
  hasFlags?: boolean;
}

/**
 * What somebody at the command line does about a connection that failed: the next command, where there is one.
 *
 * @param code of Node or undici
 * @returns undefined for a code that there is nothing to say about
 */
export function connectionHelp(
  code: string,
  { host, protocol, plainHttp, hasFlags = false }: FailedConnection,
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  const [name = host] = host.split(/:\d+$/);
  const authorities = hasFlags ? '--ca-file FILE' : 'SSL_CERT_FILE=FILE';
  switch (code) {
    case 'ENOTFOUND':
      return `check its spelling: getent hosts ${name}${proxyHint(env)}`;
    case 'EAI_AGAIN':
      return 'check the network and the name servers in /etc/resolv.conf, then try again';
    case 'ECONNREFUSED':
      return `check that it runs, and its port${proxyHint(env)}`;
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'check the network: VPN, routes, firewall';
    case 'ETIMEDOUT':
    case 'UND_ERR_CONNECT_TIMEOUT':
      return `check firewall and VPN; where a proxy is the only way out, set HTTPS_PROXY${proxyHint(env)}`;
    case 'UND_ERR_HEADERS_TIMEOUT':
      return hasFlags ? 'try again, or wait longer: --timeout 10m' : 'try again';
    case 'ECONNRESET':
    case 'EPIPE':
    case 'UND_ERR_SOCKET':
      return protocol === 'http:' && plainHttp !== undefined
        ? `if it speaks HTTPS, leave out ${plainHttp}`
        : undefined;
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return `if you trust it, name the certificate or its authority: ${authorities} (openssl s_client -showcerts -connect ${portOf(host)} shows them)`;
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return 'have it renewed, and check the clock of this machine: date';
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return 'call it by one of these names, or have the certificate issued for this one';
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return plainHttp === undefined
        ? 'write http:// instead of https://'
        : `if it speaks HTTP, add ${plainHttp}`;
    default:
      return undefined;
  }
}

/** A proxy may be what is not there. */
function proxyHint(env: NodeJS.ProcessEnv): string {
  const set = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY'].filter((name) => env[name]);
  return set.length === 0 ? '' : `; requests go through the proxy of ${set[0]}`;
}

function portOf(host: string): string {
  return /:\d+$/.test(host) ? host : `${host}:443`;
}
