import type { Config } from '../core/config/config.ts';

/**
 * The ports that the functions connect to, each with what is there: HTTPS, the proxy, and the hosts
 * of the configuration that have other ports. Behind a proxy, those are its business, unless
 * `noProxy` leaves any host to the functions. Names are resolved by the VPC's own resolver, which
 * security groups do not filter:
 * https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html
 */
export function egressPorts({ network, upstreams, notify = [] }: Config): Map<number, string> {
  const ports = new Map([[443, 'AWS, registries and other hosts, by HTTPS']]);
  const add = (url: string, use: string) => {
    const port = portOf(url);
    if (port !== undefined && !ports.has(port)) ports.set(port, use);
  };
  if (network?.proxy !== undefined) add(network.proxy, 'the proxy');
  if (network?.proxy !== undefined && network.noProxy === undefined) return ports;
  for (const { registry, endpoint, authHosts, redirectHosts } of upstreams) {
    const { protocol } = new URL(endpoint);
    const hosts = [...authHosts, ...redirectHosts].map((host) => `${protocol}//${host}`);
    for (const url of [endpoint, ...hosts]) add(url, `upstream ${registry}`.slice(0, 255));
  }
  for (const { name, url } of notify) add(url, `notify ${name}`.slice(0, 255));
  return ports;
}

function portOf(url: string): number | undefined {
  const parsed = URL.parse(url);
  if (!parsed) return undefined;
  if (parsed.port !== '') return Number(parsed.port);
  return parsed.protocol === 'http:' ? 80 : 443;
}
