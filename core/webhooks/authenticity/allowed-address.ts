import { BlockList, isIP, isIPv6 } from 'node:net';

/** The parts of a range such as `192.0.2.0/24` or `2001:db8::/32`; undefined if it is not one. */
function parseRange(range: string): { network: string; prefix: number } | undefined {
  const [, network = '', length = ''] = /^([^/]+)\/(\d{1,3})$/.exec(range) ?? [];
  const family = isIP(network);
  const prefix = Number(length);
  // Zone identifiers (`fe80::1%eth0`) mean nothing to others.
  if (family === 0 || network.includes('%') || prefix > (family === 6 ? 128 : 32)) return undefined;
  return { network, prefix };
}

/** What is wrong with a range of addresses; undefined if it is right. */
export function addressRangeProblem(range: string): string | undefined {
  const parsed = parseRange(range);
  const shown = JSON.stringify(range.slice(0, 60));
  if (parsed === undefined)
    return `${shown} is not a range of addresses; write, for example, 192.0.2.0/24 or 2001:db8::/32 (/32 and /128 for a single address)`;
  if (parsed.prefix === 0) return `${shown} allows every address; leave \`allow\` out instead`;
  return undefined;
}

/**
 * Whether an address is in one of the ranges. An IPv4 address that is written as IPv6
 * (`::ffff:192.0.2.1`) counts as IPv4. What is not an address is in no range.
 */
export function isAllowedAddress(address: string | undefined, ranges: readonly string[]): boolean {
  if (address === undefined || isIP(address) === 0) return false;
  const list = new BlockList();
  for (const range of ranges) {
    const parsed = parseRange(range);
    if (parsed) list.addSubnet(parsed.network, parsed.prefix, isIPv6(parsed.network) ? 'ipv6' : 'ipv4');
  }
  return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
