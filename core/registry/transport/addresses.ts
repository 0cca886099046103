import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import { BlockList, isIP, isIPv6, type LookupFunction } from 'node:net';

/**
 * Addresses that mean a different machine to us than to the registry that names them. `loopback` is
 * this machine itself, `link-local` its neighbours, above all the instance's metadata, and
 * `private` a private network.
 */
export type InternalAddress = 'loopback' | 'link-local' | 'private';

/**
 * RFC 6890, and the registry that it set up:
 * https://www.iana.org/assignments/iana-ipv4-special-registry/ (and -ipv6-).
 */
const ranges: Readonly<Record<InternalAddress, readonly string[]>> = {
  // Includes the unspecified address and its network, which lead to this machine as well.
  loopback: ['127.0.0.0/8', '::1/128', '0.0.0.0/8', '::/128'],
  // AWS has metadata at fd00:ec2::254, DNS and time beside it:
  // https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
  'link-local': ['169.254.0.0/16', 'fe80::/10', 'fd00:ec2::/32'],
  // Includes the shared address space of RFC 6598 and the unique local addresses of RFC 4193.
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'],
};

const blockLists = Object.entries(ranges).map(([kind, subnets]) => {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [network = '', prefix] = subnet.split('/');
    list.addSubnet(network, Number(prefix), familyOf(network));
  }
  return { kind: kind as InternalAddress, list };
});

/**
 * What kind of internal address a URL's host is; undefined for public addresses and for names,
 * which are not looked up here. `localhost` and names below it are loopback by RFC 6761, 6.3.
 *
 * @param hostname as `URL` writes it: IPv4 in its usual form, IPv6 in brackets
 */
export function internalAddress(hostname: string): InternalAddress | undefined {
  const host = hostname.replace(/^\[|\]$|\.$/g, '').toLowerCase();
  if (host === 'localhost' || host.endsWith('.localhost')) return 'loopback';
  if (isIP(host) === 0) return undefined;
  // IPv4 in IPv6, ::ffff:127.0.0.1, is judged as IPv4.
  const kind = blockLists.find(({ list }) => list.check(host, familyOf(host)))?.kind;
  if (kind !== undefined || !isIPv6(host)) return kind;
  const carried = carriedIPv4(host);
  return carried === undefined ? undefined : (internalAddress(carried) ?? 'private');
}

/**
 * The IPv4 address that an IPv6 address of a transition mechanism contains: a translator or a relay
 * leads there. IPv4-compatible addresses (RFC 4291, 2.5.5.1), NAT64 (RFC 6052; local prefixes by
 * RFC 8215), 6to4 (RFC 3056). A Teredo address (RFC 4380) contains its client's, inverted.
 */
function carriedIPv4(host: string): string | undefined {
  const words = wordsOf(host);
  const ipv4 = (at: number, flip = 0) =>
    [words[at] ?? 0, words[at + 1] ?? 0]
      .flatMap((word) => [(word ^ flip) >> 8, (word ^ flip) & 0xff])
      .join('.');
  const begins = (...prefix: number[]) => prefix.every((word, i) => words[i] === word);
  if (begins(0, 0, 0, 0, 0, 0) || begins(0x64, 0xff9b, 0, 0, 0, 0) || begins(0x64, 0xff9b, 1)) return ipv4(6);
  if (begins(0x2002)) return ipv4(1);
  return begins(0x2001, 0) ? ipv4(6, 0xffff) : undefined;
}

/** The eight words of an IPv6 address. `URL` writes IPv4 at its end in hexadecimal. */
function wordsOf(host: string): number[] {
  const [before = '', after] = new URL(`http://[${host}]`).hostname.slice(1, -1).split('::');
  const read = (part: string) =>
    part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16));
  const [first, last] = [read(before), read(after ?? '')];
  return [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last];
}

/**
 * Why an address from the registry's answer is refused: only we can reach it, and the registry
 * itself is not there. Undefined if it is allowed. A link-local address is never allowed, except to
 * a registry that is at this very address: its neighbours include the metadata service.
 */
export function internalTarget(url: URL, endpoint: URL): string | undefined {
  const kind = internalAddress(url.hostname);
  if (kind === undefined || url.hostname === endpoint.hostname) return undefined;
  if (kind !== 'link-local' && kind === internalAddress(endpoint.hostname)) return undefined;
  return `a ${kind} address, ${url.host}`;
}

/** A name led to an internal address. It has a code, like connection failures. */
export class AddressRefusedError extends Error {
  override readonly name = 'AddressRefusedError';
  readonly code = 'ADDRESS_REFUSED';
}

/** What {@link guardedLookup} may be told besides the configuration's names. */
export interface GuardOptions {
  /** How names are resolved, for tests. */
  lookup?: LookupFunction | undefined;
  /**
   * Whether this runs in a function of AWS Lambda. Its loopback addresses have the runtime API and
   * nothing else, so no name is expected there but `localhost` itself.
   */
  inFunction?: boolean | undefined;
}

/**
 * The name resolution of a registry's connections: refuses names at loopback and link-local
 * addresses. Names from the configuration may be at loopback addresses, and others, too, if the
 * endpoint is. No name may be at a link-local address: name servers are not the operator's, and
 * their answers change. Names may have private addresses: within a private network, names of public
 * services resolve to them (S3 through an interface endpoint of a VPC).
 *
 * @param endpoint the registry's
 * @param trusted further host names of the configuration
 */
export function guardedLookup(
  endpoint: URL,
  trusted: readonly string[],
  { lookup = dnsLookup, inFunction = false }: GuardOptions = {},
): LookupFunction {
  const free = new Set([endpoint.hostname, ...trusted]);
  const own = internalAddress(endpoint.hostname);
  return (hostname, options, callback) => {
    lookup(hostname, options, (error, address, family) => {
      if (error) return callback(error, address, family);
      const mayLoop = inFunction
        ? free.has(hostname) && internalAddress(hostname) === 'loopback'
        : free.has(hostname) || own === 'loopback';
      const found: readonly Pick<LookupAddress, 'address'>[] = Array.isArray(address)
        ? address
        : [{ address }];
      for (const each of found) {
        const kind = internalAddress(each.address);
        if (kind === undefined || kind === 'private' || (kind === 'loopback' && mayLoop)) continue;
        return callback(
          new AddressRefusedError(`${hostname} is at a ${kind} address, ${each.address}`),
          address,
          family,
        );
      }
      callback(null, address, family);
    });
  };
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4';
}

/** The remedy for a registry that redirects to a metadata service: it must not be trusted. */
export const metadataRemedy =
  'link-local addresses belong to metadata services, not to registries: nothing is sent there; ask the registry’s operator';

/**
 * Whether a host is at a link-local address, or at that of a metadata service in a private range
 * (EC2’s, by IPv6).
 */
export function isMetadataAddress(hostname: string): boolean {
  return internalAddress(hostname) === 'link-local' || /^\[?fd00:ec2::/i.test(hostname);
}
