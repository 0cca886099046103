import type { ConnectionProblem, ProblemKind } from './connection-problem.ts';

/**
 * The names of the settings where the reader can change them: in mirror.yaml, or on a command line.
 */
export interface SettingNames {
  /** The path to test whether a server answers: `/v2/`. */
  path: string;
  /** How to request plain HTTP. */
  plainHttp: string;
  /** How to request HTTPS. */
  https: string;
  /** How to add a certificate authority. */
  authority: string;
  /** How to allow more time; absent if that is not possible. */
  timeout?: string;
  /** Where the proxy is configured. */
  proxy: string;
}

type Remedy = (problem: ConnectionProblem, names: SettingNames) => string;

/**
 * A command that shows more, after a colon or a verb. The host may come from a hostile registry,
 * and readers may paste a command into a shell. So a command contains only names and addresses that
 * are valid in DNS and RFC 3986.
 */
function command({ origin }: ConnectionProblem, before: string, text: (url: URL) => string): string {
  const url = new URL(origin);
  return /^([a-z0-9._-]+|\[[0-9a-f:.]+\])$/i.test(url.hostname) ? `${before}${text(url)}` : '';
}

const look = (problem: ConnectionProblem, { path }: SettingNames, before = ': ') =>
  command(problem, before, ({ origin }) => `curl -v ${origin}${path}`);
const certificateOf = (problem: ConnectionProblem, before: string, option = '') =>
  command(
    problem,
    before,
    ({ hostname, port }) => `openssl s_client -connect ${hostname}:${port || 443}${option}`,
  );
const nslookup = (problem: ConnectionProblem, before: string) =>
  command(problem, before, ({ hostname }) => `nslookup ${hostname}`);

const remedies: Readonly<Record<ProblemKind, Remedy>> = {
  'unknown-host': (problem) =>
    `check the spelling of the host name${nslookup(problem, '; see what DNS returns: ')}`,
  'no-dns': (problem) => `check the network and its DNS server${nslookup(problem, ': ')}`,
  refused: (problem, names) => `check the port, and that the server is running${look(problem, names)}`,
  'no-route': (problem, names) => `check the network, the VPN and firewalls${look(problem, names)}`,
  'connect-timeout': (problem, names) =>
    `check the address and firewalls, and whether this network needs a proxy (${names.proxy})${look(problem, names)}`,
  'answer-timeout': (problem, names) =>
    names.timeout === undefined
      ? `the server is slow or hangs: try again${look(problem, names, ', or see what it does: ')}`
      : `the server is slow or hangs: try again, or wait longer with ${names.timeout}`,
  closed: (problem, names) =>
    problem.origin.startsWith('http:')
      ? `if the server speaks HTTPS, ${names.https}; otherwise check firewalls and proxies${look(problem, names)}`
      : `try again; if it keeps failing, check firewalls and proxies${look(problem, names)}`,
  'untrusted-certificate': (problem, { authority }) =>
    `if you trust it, ${authority} with its CA certificate (PEM)${certificateOf(problem, '; see it with: ', ' -showcerts')}`,
  'expired-certificate': () =>
    'ask the server’s operator to renew it; if it should be valid, check this machine’s clock: date',
  'early-certificate': () => 'check this machine’s clock: date; if it is right, ask the server’s operator',
  'other-certificate': () =>
    'use a host name that the certificate covers, or ask the server’s operator for a certificate that covers this one',
  'no-tls': (_, { plainHttp }) => `if it speaks plain HTTP, ${plainHttp}; otherwise check the port`,
  'wants-tls': (_, { https }) => `${https}: the server speaks HTTPS`,
  tls: (problem) => `check which versions of TLS the server offers${certificateOf(problem, ': ')}`,
  'no-http': (problem, { https }) =>
    problem.origin.startsWith('http:')
      ? `check the port; if the server speaks HTTPS, ${https}`
      : 'check the port, and what is in front of the server',
  proxy: (_, { proxy }) => `check that the proxy is running, and its address in ${proxy}`,
  'proxy-refuses': (_, { proxy }) =>
    `check the host name, and whether the proxy (${proxy}) may connect to it`,
  'proxy-login': (_, { proxy }) =>
    `add user name and password to the proxy’s URL in ${proxy}: http://USER:PASSWORD@HOST:PORT`,
  other: (problem, names) => `check the address, firewalls and proxies${look(problem, names)}`,
};

/** The remedy for a failed connection: the likely cause, and the next command or setting. */
export function connectionRemedy(problem: ConnectionProblem, names: SettingNames): string {
  return remedies[problem.kind](problem, names);
}

/** Where the operator of a mirror changes the settings. */
export const mirrorSettings: SettingNames = {
  path: '/v2/',
  plainHttp: 'write endpoint: http://HOST in mirror.yaml',
  https: 'write endpoint: https://HOST in mirror.yaml',
  authority: 'name a file under network.caBundle in mirror.yaml',
  timeout: 'upstreams[].timeout in mirror.yaml',
  proxy: 'network.proxy in mirror.yaml',
};
